"""The forms of a draw and its prizes: what is typed goes through the verbs, prizes as one list in their order."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
)

from members import queries as member_queries
from members.admin.base import VerbForm
from members.errors import InvalidInput, NotFound, Refusal
from rewards import draw_editing
from rewards.models import Draw, DrawPrize

LAST = 10**6


def _tier_choices() -> list[tuple[str, str]]:
    return [(tier.code, tier.name) for tier in member_queries.tiers()]


class DrawForm(VerbForm):
    tiers = forms.MultipleChoiceField(
        label=_("Only for tiers"),
        choices=_tier_choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None chosen: for everybody."),
    )

    class Meta:
        model = Draw
        fields = "__all__"
        help_texts = {
            "points": _("From 10. Empty: tickets only."),
            "per_member": _("Empty: unlimited."),
            "round_period": _(
                "When a round closes, its seed is published and the next one opens."
            ),
            "starts_at": _("Empty: from now on."),
            "ends_at": _("Empty: without an end."),
        }

    def _post_clean(self) -> None:
        """The prizes' forms were given the empty draw before: it becomes the one that was stored."""
        given = self.instance
        super()._post_clean()
        if self.instance is not given:
            vars(given).update(vars(self.instance))
            self.instance = given


class PrizeForm(forms.ModelForm[DrawPrize]):
    position = forms.IntegerField(
        label=pgettext_lazy("place in a list", "order"),
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    class Meta:
        model = DrawPrize
        fields = ("position", "name", "kind", "reward", "points", "weight", "stock")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The heading of a column is no label to a screen reader.
        for each in self.fields.values():
            # That of the reward is wrapped.
            inner: forms.Widget | None = getattr(each.widget, "widget", None)
            (inner or each.widget).attrs["aria-label"] = capfirst(each.label)
        if field := self.fields.get("reward"):
            # The catalogue is not edited from here.
            field.widget.can_add_related = False
            field.widget.can_change_related = False
            field.widget.can_view_related = False
        if field := self.fields.get("stock"):
            # Prizes are won while the form is open: only a figure that was typed over is saved.
            field.show_hidden_initial = True

    def has_changed(self) -> bool:
        """Whether anything was said: a new row always has a kind, so that alone says nothing."""
        said = set(self.changed_data)
        return bool(said if self.instance.pk else said - {"kind"})

    def _post_clean(self) -> None:
        """Nothing: the row is not saved; the verb gets the whole list."""

    def said(self) -> dict[str, Any]:
        """The prize as the verb wants it."""
        typed = self.cleaned_data
        reward = typed.get("reward")
        stock = typed.get("stock")
        if self.instance.pk and "stock" not in self.changed_data:
            stock = self.instance.stock
        return {
            "name": typed["name"],
            "kind": typed["kind"],
            "reward": reward.code if reward else None,
            "points": typed.get("points"),
            "weight": typed["weight"],
            "stock": stock,
        }


class PrizeFormSet(forms.BaseInlineFormSet[DrawPrize, Draw, PrizeForm]):
    """All prizes of a draw, in the order that was typed; saved by the verb as the last step of validation."""

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if self._is_kept(form)]
        if any(form.errors for form in self.forms) or not self.has_changed():
            return
        kept.sort(key=lambda form: form.cleaned_data.get("position") or LAST)
        try:
            self._save([form.said() for form in kept])
        except InvalidInput as problem:
            self._tell(kept, problem.pointer, problem.detail)
        except NotFound as problem:
            self._tell(kept, problem.pointer, str(problem))
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal)) from None

    def validate_unique(self) -> None:
        """Nothing: the order is typed, the positions are the verb's."""

    def _is_kept(self, form: PrizeForm) -> bool:
        if self._should_delete_form(form):  # type: ignore[attr-defined]
            return False
        return bool(form.instance.pk) or form.has_changed()

    def _save(self, said: list[Mapping[str, Any]]) -> None:
        if self.instance._state.adding:
            draw_editing.prizes(said)
        else:
            draw_editing.change(draw=self.instance, changes={"prizes": said}, at=timezone.now())

    def _tell(self, forms_: list[PrizeForm], pointer: str, words: str) -> None:
        """Say it beside the field that a pointer such as /prizes/2/weight means."""
        place, name = [*pointer.removeprefix("/prizes/").split("/"), ""][:2]
        if not place.isdigit() or name not in PrizeForm.base_fields:
            raise forms.ValidationError(words)
        forms_[int(place)].add_error(name, words)
