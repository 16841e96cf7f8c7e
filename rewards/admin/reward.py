from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from members import transactions
from members.admin.base import VerbAdmin
from rewards import catalogue, floating, pictures, price_words, prices, queries, reward_hints
from rewards.admin.reward_form import RewardForm
from rewards.admin.stock import StockPage, stock_badge
from rewards.models import Reward
from rewards.reward_checks import KINDS_WITH

PICTURE = ("upload", "without_picture")


@admin.register(Reward)
class RewardAdmin(StockPage, VerbAdmin):
    form = RewardForm
    list_display = ("thumbnail", "name", "kind", "price", "left", "to_check", "window", "active")
    list_display_links = ("thumbnail", "name")
    list_filter = (("kind", ChoicesDropdownFilter), "active")
    list_filter_submit = True
    search_fields = ("name", "code")
    ordering = ("points", "id")
    fixed_fields = ("code",)
    readonly_fields = ("drawn", "price_now")
    actions_detail = ("stock",)
    change_form_outer_before_template = "admin/rewards/reward/hints.html"
    change_form_outer_after_template = "admin/rewards/reward/after.html"
    fieldsets = (
        (
            None,
            {"fields": (("name", "code"), ("kind", "category"), "summary", "active")},
        ),
        (_("Picture"), {"fields": ("drawn", "upload", "without_picture", "art")}),
        (
            _("Price and stock"),
            {
                "fields": (
                    ("points", "cash"),
                    "tier_prices",
                    ("stock", "cost"),
                    ("partner", "partner_share"),
                )
            },
        ),
        (_("Floating price"), {"fields": ("price_now", "pricing"), "classes": ["collapse"]}),
        (
            _("What it is"),
            {
                "fields": (
                    ("discount_amount", "discount_percent"),
                    "min_spend",
                    "delivery",
                    "draw",
                    "project",
                    "content",
                    "content_url",
                )
            },
        ),
        (
            _("Who and when"),
            {
                "fields": (
                    ("per_member", "per_member_period"),
                    "tiers",
                    ("starts_at", "ends_at"),
                    "early_tiers",
                    "early_from",
                )
            },
        ),
        (
            _("Voucher"),
            {
                "fields": (
                    ("valid_from_days", "valid_days"),
                    "valid_until",
                    "stores",
                    "weekdays",
                    ("is_giftable", "draft_minutes"),
                    "terms",
                )
            },
        ),
    )

    class Media:
        js = ("console/rewards.js",)
        css = {"all": ("console/rewards.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reward]:
        return queries.shown(super().get_queryset(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only look sees the picture, the price in words, and what rewards of this kind have."""
        if self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        looked_at = [
            (name, {**options, "fields": _looked_at(options["fields"], obj)})
            for name, options in self.fieldsets
        ]
        return [(name, options) for name, options in looked_at if options["fields"]]

    # ---- verbs ----------------------------------------------------------------------------------
    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Reward:
        by = request.user.get_username()
        said = {name: value for name, value in values.items() if name not in PICTURE}

        def work() -> Reward:
            made = catalogue.create(changes=said, at=timezone.now(), by=by)
            return _with_picture(made, values)

        return transactions.in_transaction(work)

    def change(self, request: HttpRequest, row: Reward, values: Mapping[str, Any]) -> Reward:
        by = request.user.get_username()
        said = {name: value for name, value in values.items() if name not in PICTURE}

        def work() -> Reward:
            changed = catalogue.change(reward=row, changes=said, at=timezone.now(), by=by)
            return _with_picture(changed, values)

        return transactions.in_transaction(work)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        """Saved by the verb; what will not work as it is meant is said right away."""
        super().save_model(request, obj, form, change)
        for warning in filter(None, [_idle_rule(obj), *reward_hints.hints(obj)]):
            messages.warning(request, warning)

    # ---- columns and words ----------------------------------------------------------------------
    @display(description="")
    def thumbnail(self, reward: Reward) -> SafeString:
        return _drawing(reward, "small")

    @display(description=_("as members see it"))
    def drawn(self, reward: Reward) -> SafeString:
        return _drawing(reward, "large")

    @display(description=_("price now"))
    def price_now(self, reward: Reward) -> SafeString | str:
        if reward._state.adding:
            return "—"
        price = prices.price_for(reward=reward, member=None, variant=None, at=timezone.now())
        steps = price_words.sentences(price.steps)
        return render_to_string(
            "admin/rewards/reward/price_now.html",
            {"price": price, "steps": steps, "warning": _idle_rule(reward)},
        )

    @display(description=_("price in points"), ordering="points")
    def price(self, reward: Reward) -> str:
        cash = f" + ¥{reward.cash:,.2f}" if reward.cash else ""
        price = f"{reward.points:,}{cash}"
        return gettext("%(price)s, floating") % {"price": price} if reward.pricing else price

    @display(description=_("stock left"), ordering="stock")
    def left(self, reward: Reward) -> SafeString:
        return stock_badge(reward)

    @display(description=_("to check"), empty_value="—")
    def to_check(self, reward: Reward) -> SafeString | None:
        found = reward_hints.hints(reward)
        template = "admin/rewards/reward/to_check.html"
        return render_to_string(template, {"hints": found}) if found else None

    @display(description=_("on sale until"), ordering="ends_at", empty_value="—")
    def window(self, reward: Reward) -> Any:
        return reward.ends_at


def _idle_rule(reward: Reward) -> str:
    """What is to be said about a floating price that looks at a stock nobody counts; empty where all is well."""
    if reward.stock is not None or not floating.asks_for_stock(reward.pricing):
        return ""
    return gettext(
        "The stock rule of the floating price never holds: the stock of this reward is unlimited, and the stock of "
        "its variants does not count for it. Say how many pieces there are, or take the rule out."
    )


def _with_picture(reward: Reward, values: Mapping[str, Any]) -> Reward:
    if values.get("without_picture"):
        pictures.remove(reward=reward)
    if values.get("upload"):
        pictures.keep(reward=reward, body=values["upload"].read())
    return reward


def _looked_at(fields: Any, reward: Reward | None) -> list[Any]:
    """The fields without those that only a form has, or that are of other kinds."""
    left: list[Any] = []
    for each in fields:
        if isinstance(each, tuple):
            row = tuple(_looked_at(each, reward))
            left += [row] if row else []
        elif each not in (*PICTURE, "pricing") and _has(reward, each):
            left.append(each)
    return left


def _has(reward: Reward | None, field: str) -> bool:
    return reward is None or field not in KINDS_WITH or reward.kind in KINDS_WITH[field]


def _drawing(reward: Reward, size: str) -> SafeString:
    context = {
        "code": reward.code,
        "digest": getattr(reward, "picture_digest", None),
        "art": reward.art or Reward.Art.CUP,
        "size": size,
        "alt": reward.name if size == "small" else "",
    }
    return render_to_string("admin/rewards/drawing.html", context)
