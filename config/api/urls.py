"""Every address of the API."""

from typing import Any

from django.http import Http404
from django.urls import path, re_path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from campaigns.api import campaigns, check_ins, events, replays, segments
from config.api import reference, standing, tiers
from config.api.members import MembersView, MemberView
from loyalty.api import (
    adjustments,
    buy_backs,
    donations,
    holds,
    order_steps,
    orders,
    program,
    refunds,
    transfers,
    wallets,
)
from members.api import jobs, merchant, messages
from rewards.api import (
    catalogue,
    draws,
    offers,
    pools,
    projects,
    redemptions,
    variants,
    vouchers,
)


class NothingView(APIView):
    """An address that is not there: the 404 is a problem document too."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(exclude=True)
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


urlpatterns = [
    path("v1/schema/", reference.SchemaView.as_view(), name="api_schema"),
    path("v1/docs/", reference.DocumentationView.as_view(), name="api_docs"),
    path("v1/members", MembersView.as_view()),
    path("v1/members/<str:number>", MemberView.as_view()),
    path("v1/members/<str:number>/freeze", standing.FreezeView.as_view()),
    path("v1/members/<str:number>/unfreeze", standing.UnfreezeView.as_view()),
    path("v1/members/<str:number>/close", standing.CloseView.as_view()),
    path("v1/members/<str:number>/merge", standing.MergeView.as_view()),
    path("v1/members/<str:number>/check-ins", check_ins.CheckInsView.as_view()),
    path("v1/members/<str:number>/wallet", wallets.WalletView.as_view()),
    path("v1/members/<str:number>/lots", wallets.LotsView.as_view()),
    path("v1/members/<str:number>/entries", wallets.EntriesView.as_view()),
    path("v1/members/<str:number>/tier", tiers.MemberTierView.as_view()),
    path("v1/members/<str:number>/messages", messages.MessagesView.as_view()),
    path("v1/members/<str:number>/messages/<int:id>/read", messages.ReadView.as_view()),
    path("v1/orders", orders.OrdersView.as_view()),
    path("v1/orders/batch", orders.OrderBatchView.as_view()),
    path("v1/orders/quote", orders.QuoteView.as_view()),
    path("v1/orders/<str:source>/<path:number>/refunds", refunds.RefundsView.as_view()),
    path("v1/orders/<str:source>/<path:number>/explanation", orders.ExplanationView.as_view()),
    path("v1/orders/<str:source>/<path:number>/status", order_steps.StatusView.as_view()),
    path("v1/orders/<str:source>/<path:number>", orders.OrderView.as_view()),
    path("v1/adjustments", adjustments.AdjustmentsView.as_view()),
    path("v1/adjustments/<int:id>", adjustments.AdjustmentView.as_view()),
    path("v1/adjustments/<int:id>/approve", adjustments.ApproveView.as_view()),
    path("v1/adjustments/<int:id>/reject", adjustments.RejectView.as_view()),
    path("v1/transfers", transfers.TransfersView.as_view()),
    path("v1/holds", holds.HoldsView.as_view()),
    path("v1/holds/<int:id>", holds.HoldView.as_view()),
    path("v1/holds/<int:id>/capture", holds.CaptureView.as_view()),
    path("v1/holds/<int:id>/release", holds.ReleaseView.as_view()),
    path("v1/donations", donations.DonationsView.as_view()),
    path("v1/projects", projects.ProjectsView.as_view()),
    path("v1/projects/<str:code>", projects.ProjectView.as_view()),
    path("v1/buy-backs", buy_backs.BuyBacksView.as_view()),
    path("v1/rewards", catalogue.RewardsView.as_view()),
    path("v1/rewards/<str:code>", catalogue.RewardView.as_view()),
    path("v1/rewards/<str:code>/variants", variants.VariantsView.as_view()),
    path("v1/rewards/<str:code>/variants/<str:variant>", variants.VariantView.as_view()),
    path("v1/offers", offers.OffersView.as_view()),
    path("v1/offers/<str:code>", offers.OfferView.as_view()),
    path("v1/rewards/<str:code>/codes", pools.CodesView.as_view()),
    path("v1/redemptions", redemptions.RedemptionsView.as_view()),
    path("v1/redemptions/<str:number>", redemptions.RedemptionView.as_view()),
    path("v1/redemptions/<str:number>/issue", redemptions.IssueView.as_view()),
    path("v1/redemptions/<str:number>/fulfil", redemptions.FulfilView.as_view()),
    path("v1/redemptions/<str:number>/cancel", redemptions.CancelView.as_view()),
    path("v1/vouchers/<str:code>", vouchers.VoucherView.as_view()),
    path("v1/vouchers/<str:code>/use", vouchers.UseView.as_view()),
    path("v1/vouchers/<str:code>/give", vouchers.GiveView.as_view()),
    path("v1/vouchers/<str:code>/void", vouchers.VoidView.as_view()),
    path("v1/draws", draws.DrawsView.as_view()),
    path("v1/draws/<str:code>", draws.DrawView.as_view()),
    path("v1/draws/<str:code>/plays", draws.PlaysView.as_view()),
    path("v1/draws/<str:code>/rounds", draws.RoundsView.as_view()),
    path("v1/draws/<str:code>/close-round", draws.CloseRoundView.as_view()),
    path("v1/draw-rounds/<str:code>", draws.RoundView.as_view()),
    path("v1/jobs/<int:id>", jobs.JobView.as_view()),
    path("v1/program", program.ProgramView.as_view()),
    path("v1/tiers", merchant.TiersView.as_view()),
    path("v1/tiers/<str:code>", merchant.TierView.as_view()),
    path("v1/stores", merchant.StoresView.as_view()),
    path("v1/stores/<str:code>", merchant.StoreView.as_view()),
    path("v1/events", events.EventsView.as_view()),
    path("v1/events/<int:id>/explanation", events.EventExplanationView.as_view()),
    path("v1/campaigns", campaigns.CampaignsView.as_view()),
    path("v1/campaigns/<str:code>", campaigns.CampaignView.as_view()),
    path("v1/campaigns/<str:code>/replay", replays.ReplayView.as_view()),
    path("v1/segments", segments.SegmentsView.as_view()),
    path("v1/segments/<str:code>", segments.SegmentView.as_view()),
    path("v1/segments/<str:code>/refresh", segments.RefreshView.as_view()),
    # Django adds the slash that these two are asked for without; everything else is not there.
    re_path(r"^(?!v1/(?:schema|docs)$)", NothingView.as_view()),
]
