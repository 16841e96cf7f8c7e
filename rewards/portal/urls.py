"""The mall, what was redeemed, draws, and the vouchers."""

from django.urls import path

from rewards.portal import (
    draws,
    gifts,
    mall,
    pictures,
    projects,
    redeeming,
    redemptions,
    vouchers,
    wishes,
)

app_name = "rewards"

urlpatterns = [
    path("rewards", mall.mall, name="mall"),
    path("rewards/<slug:code>", mall.reward, name="reward"),
    path("rewards/<slug:code>/redeem", redeeming.redeem, name="redeem"),
    path("rewards/<slug:code>/picture/<slug:digest>", pictures.picture, name="picture"),
    path("rewards/<slug:code>/wish", wishes.wish, name="wish"),
    path("rewards/<slug:code>/unwish", wishes.unwish, name="unwish"),
    path("wishes", wishes.wishes, name="wishes"),
    path("projects", projects.projects, name="projects"),
    path("projects/<slug:project>", projects.project, name="project"),
    path("projects/<slug:project>/donate", projects.donate, name="donate"),
    path("donations/<int:donation_id>", projects.donated, name="donated"),
    path("draws", draws.all_draws, name="draws"),
    path("draws/<slug:draw_code>", draws.draw, name="draw"),
    path("draws/goes/<int:play_id>", draws.result, name="draw_result"),
    path("draw-rounds/<slug:round_code>", draws.draw_round, name="draw_round"),
    path("draw-rounds/<slug:round_code>/data", draws.draw_round_data, name="draw_round_data"),
    path("vouchers", vouchers.wallet, name="vouchers"),
    path("vouchers/<str:code>", vouchers.voucher, name="voucher"),
    path("vouchers/<str:code>/show", vouchers.show, name="show"),
    path("vouchers/<str:code>/state", vouchers.state, name="voucher_state"),
    path("vouchers/<str:code>/give", gifts.give, name="give"),
    path("redemptions", redemptions.listing, name="redemptions"),
    path("redemptions/<str:number>", redemptions.order, name="redemption"),
    path("redemptions/<str:number>/done", redemptions.done, name="done"),
    path("redemptions/<str:number>/cancel", redemptions.cancel, name="cancel"),
]
