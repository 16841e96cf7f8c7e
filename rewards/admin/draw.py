"""Draws: prizes inline, odds, forecast of the cost, and opening and closing rounds."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from members.admin.base import VerbAdmin
from members.errors import Refusal
from rewards import draw_editing, draw_queries, draw_rounds
from rewards.admin import draw_page
from rewards.admin.draw_form import DrawForm, PrizeForm, PrizeFormSet
from rewards.models import Draw, DrawPrize

Step = Callable[..., Any]


class PrizeInline(TabularInline):
    """The prizes that can be won now, in their order."""

    model = DrawPrize
    form = PrizeForm
    formset = PrizeFormSet
    extra = 0
    min_num = 0
    max_num = draw_editing.MOST_PRIZES
    ordering = ("position",)
    verbose_name_plural = _("Prizes: changing them closes the open round and opens the next")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DrawPrize]:
        return super().get_queryset(request).filter(active=True)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("rewards.change_draw")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("rewards.change_draw")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("rewards.change_draw")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("rewards.view_draw")


@admin.register(Draw)
class DrawAdmin(VerbAdmin):
    form = DrawForm
    inlines = (PrizeInline,)
    list_display = ("name", "code", "price", "limit", "window", "state_badge", "round_now")
    search_fields = ("name", "code")
    ordering = ("-id",)
    fixed_fields = ("code",)
    actions_detail = ("open_round", "close_round", "stop")
    change_form_outer_after_template = "admin/rewards/draw/page.html"
    fieldsets = (
        (None, {"fields": (("name", "code"), "terms")}),
        (
            _("Who and when"),
            {
                "fields": (
                    ("points", "round_period"),
                    ("per_member", "per_member_period"),
                    "tiers",
                    ("starts_at", "ends_at"),
                )
            },
        ),
    )

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Draw:
        """A draw that nobody can play yet: it is opened by its button, below the forecast."""
        changes = {**values, "active": False}
        return draw_editing.create(changes=changes, at=timezone.now())

    def change(self, request: HttpRequest, row: Draw, values: Mapping[str, Any]) -> Draw:
        return draw_editing.change(draw=row, changes=values, at=timezone.now())

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What is refused in one of the prizes leaves the draw as it was, too."""
        pk = object_id if object_id and object_id.isdigit() else 0
        draw = Draw.objects.filter(pk=pk).first()
        below = draw_page.context(draw, request.GET) if draw else {}
        with transaction.atomic():
            answer = super().changeform_view(
                request, object_id, form_url, {**(extra_context or {}), **below}
            )
            if request.method == "POST" and answer.status_code == 200:
                transaction.set_rollback(True)
        return answer

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        """Nothing: the prizes were saved by their verb."""

    def construct_change_message(self, request: HttpRequest, form: Any, *args: Any) -> Any:
        """What was typed into the draw itself: the formset saves nothing that could be told."""
        _formsets, *others = args
        return super().construct_change_message(request, form, [], *others)

    def response_add(
        self, request: HttpRequest, obj: Draw, post_url_continue: str | None = None
    ) -> HttpResponse:
        """A new draw is not open: on to its page, where the forecast and the button stand."""
        answer = super().response_add(request, obj, post_url_continue)
        if "_addanother" in request.POST:
            return answer
        messages.info(
            request,
            gettext("Nobody can have a go yet. Look at the forecast below, then open the round."),
        )
        return HttpResponseRedirect(reverse("admin:rewards_draw_change", args=[obj.pk]))

    # ---- steps ----------------------------------------------------------------------------------
    def has_step_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whether this person may open and close rounds."""
        return request.user.has_perm("rewards.change_draw")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The buttons of what can be done now."""
        draw = Draw.objects.filter(pk=object_id).first()
        if draw is None:
            return []
        is_open = draw_queries.open_round(draw) is not None
        possible = {"open_round": not is_open, "close_round": is_open, "stop": draw.active}
        found = super().get_actions_detail(request, object_id)
        return [
            each for each in found if possible.get(each.action_name.rpartition("draw_")[2], True)
        ]

    @action(description=_("Open the round"), permissions=["step"], icon="play_arrow")
    def open_round(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(
            request,
            object_id,
            draw_rounds.open_by_hand,
            gettext(
                "From now on members can have a go. The prizes and the hash of the seed are published."
            ),
        )

    @action(
        description=_("Close the round"),
        permissions=["step"],
        icon="lock",
        variant=ActionVariant.WARNING,
    )
    def close_round(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(
            request,
            object_id,
            draw_rounds.close_by_hand,
            gettext("The seed and all tickets are published, and the next round opens at once."),
        )

    @action(
        description=_("Switch the draw off"),
        permissions=["step"],
        icon="stop",
        variant=ActionVariant.DANGER,
    )
    def stop(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(
            request,
            object_id,
            draw_rounds.stop,
            gettext(
                "Nobody can have a go from now on; the seed and all tickets of the open "
                "round are published."
            ),
        )

    def _step(self, request: HttpRequest, object_id: str, step: Step, words: str) -> HttpResponse:
        """Ask once more, then do it."""
        draw = get_object_or_404(Draw, pk=object_id)
        if request.method == "POST":
            try:
                step(draw=draw, at=timezone.now())
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                self.log_change(request, draw, words)
                messages.success(request, words)
            return HttpResponseRedirect(reverse("admin:rewards_draw_change", args=[draw.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": draw.name,
            "draw": draw,
            "words": words,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/rewards/draw/confirm.html", context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Draw]:
        return super().get_queryset(request).prefetch_related(*draw_queries.with_rounds())

    # ---- columns --------------------------------------------------------------------------------
    @display(description=_("price of a go in points"))
    def price(self, draw: Draw) -> str:
        return str(_("tickets only")) if draw.points is None else f"{draw.points:,}"

    @display(description=_("goes per member"))
    def limit(self, draw: Draw) -> str:
        if draw.per_member is None:
            return "—"
        return f"{draw.per_member:,} · {draw.get_per_member_period_display()}"

    @display(description=_("until"), empty_value="—")
    def window(self, draw: Draw) -> Any:
        return draw.ends_at

    @display(
        description=_("state"), label={"open": "success", "waiting": "info", "off": "warning"}
    )
    def state_badge(self, draw: Any) -> tuple[str, Any]:
        if not draw.active:
            return "off", _("Switched off")
        if draw.open_rounds:
            return "open", pgettext_lazy("draw round", "Open")
        return "waiting", _("No open round")

    @display(description=pgettext_lazy("prize draw", "round"))
    def round_now(self, draw: Any) -> str:
        found = [f"{each.code} · {each.tickets:,}" for each in draw.open_rounds]
        return found[0] if found else "—"
