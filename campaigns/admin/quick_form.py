"""The form of a quick campaign: six questions, each answered already in the usual way."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from campaigns import editing, effects, wording
from campaigns.admin import inputs
from campaigns.admin.quick_windows import When, days_of, window
from campaigns.occasions import ORDER
from loyalty.models import Program
from members.errors import InvalidInput, NotFound

FACTOR, POINTS = "factor", "points"
DOUBLE = {"type": effects.MULTIPLIER, "value": "2"}


def _audience() -> list[tuple[Any, Any]]:
    """Tiers and segments in one list."""
    groups = [(_("Tiers"), "tier", inputs.tiers()), (_("Segments"), "segment", inputs.segments())]
    return [
        (title, [(f"{kind}:{code}", name) for code, name in found])
        for title, kind, found in groups
        if found
    ]


class QuickForm(forms.Form):
    """When, what, who, where, how much at most, what it is called."""

    when = forms.ChoiceField(
        label=_("When"), choices=When.choices, initial=When.TODAY, widget=forms.RadioSelect
    )
    first = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    last = forms.DateField(
        label=_("Through"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    kind = forms.ChoiceField(
        label=_("What"),
        choices=[(FACTOR, _("Points ×")), (POINTS, _("Points on top"))],
        initial=FACTOR,
    )
    amount = forms.DecimalField(label=_("How much"), initial=2, max_digits=14)
    who = forms.MultipleChoiceField(
        label=_("Who"), choices=_audience, required=False, help_text=_("Nobody chosen: everybody.")
    )
    stores = forms.MultipleChoiceField(
        label=_("Where"),
        choices=inputs.stores,
        required=False,
        help_text=_("Nothing chosen: every store."),
    )
    per_member = forms.IntegerField(label=_("Points for each member, at most"), required=False)
    budget = forms.IntegerField(label=_("Points in all, at most"), required=False)
    name = forms.CharField(
        label=pgettext_lazy("of a campaign", "Name"), max_length=100, required=False
    )
    code = forms.CharField(widget=forms.HiddenInput, required=False, max_length=50)

    #: Which field is meant by a pointer of the verbs.
    FIELDS = {
        "/starts_at": "when",
        "/ends_at": "when",
        "/effect/value": "amount",
        "/effect/points": "amount",
        "/limits/per_member": "per_member",
        "/limits/budget_points": "budget",
        "/name": "name",
        "/conditions/stores": "stores",
        "/conditions/tiers": "who",
        "/conditions/segments": "who",
    }

    def __init__(self, *args: Any, program: Program, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.program = program
        self.at = at
        self.days: tuple[date, date] | None = None

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if "when" in cleaned:
            self.days = self._days(cleaned)
        amount = cleaned.get("amount")
        if cleaned.get("kind") == POINTS and amount is not None and amount != int(amount):
            self.add_error("amount", _("Points are whole numbers."))
        if not self.errors:
            self._try()
        return cleaned

    def _days(self, cleaned: dict[str, Any]) -> tuple[date, date] | None:
        today = self.at.astimezone(self.program.zone).date()
        when = When(cleaned["when"])
        if when != When.CUSTOM:
            return days_of(when, today)
        first, last = cleaned.get("first"), cleaned.get("last")
        if first is None or last is None:
            missing = "first" if first is None else "last"
            if missing not in self.errors:
                self.add_error(missing, _("Say from which day and through which day."))
            return None
        if last < first:
            self.add_error("last", _("This day is before the first one."))
        elif last < today:
            self.add_error("last", _("This day is over."))
        elif last.year > 9000:
            self.add_error("last", _("This day is too far ahead."))
        return first, last

    def _try(self) -> None:
        """Put the rule through the verbs' checks, without saving anything."""
        try:
            editing.checked(changes=self.changes())
        except (InvalidInput, NotFound) as problem:
            pointer = problem.pointer
            said = problem.detail if isinstance(problem, InvalidInput) else str(problem)
            near = [field for known, field in self.FIELDS.items() if pointer.startswith(known)]
            self.add_error(near[0] if near else None, said)

    # ---- the campaign ---------------------------------------------------------------------------
    def changes(self) -> dict[str, Any]:
        """The campaign as `editing.create` takes it; only of a form without errors."""
        cleaned = self.cleaned_data
        assert self.days is not None
        first, last = self.days
        starts_at, ends_at = window(first=first, last=last, at=self.at, zone=self.program.zone)
        return {
            "code": cleaned["code"],
            "name": self._name(),
            "starts_at": starts_at,
            "ends_at": ends_at,
            "trigger": ORDER,
            "conditions": self._conditions(),
            "effect": self._effect(),
            "limits": {
                "per_member": cleaned["per_member"],
                "budget_points": cleaned["budget"],
            },
        }

    def _conditions(self) -> dict[str, Any]:
        chosen = [each.partition(":") for each in self.cleaned_data["who"]]
        said = {
            "stores": self.cleaned_data["stores"],
            "tiers": [code for kind, _sign, code in chosen if kind == "tier"],
            "segments": [code for kind, _sign, code in chosen if kind == "segment"],
        }
        return {name: codes for name, codes in said.items() if codes}

    def _effect(self) -> dict[str, Any]:
        amount = self.cleaned_data["amount"]
        if self.cleaned_data["kind"] == FACTOR:
            return {"type": effects.MULTIPLIER, "value": f"{amount:f}"}
        return {"type": effects.BONUS, "points": int(amount)}

    def _name(self) -> str:
        """The name given; the one that was suggested goes along with the effect."""
        name: str = self.cleaned_data["name"].strip()
        return usual_name(self._effect()) if name in ("", usual_name(DOUBLE)) else name


def usual_name(effect: dict[str, Any]) -> str:
    """A name for members: 双倍积分日."""
    said = wording.effect_words(effect)
    return gettext("%(effect)s day") % {"effect": said[:1].upper() + said[1:]}
