"""The editor of a campaign: a form for every part of a rule, without any JSON."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns import triggers
from campaigns.admin import contents, inputs
from campaigns.models import Campaign
from campaigns.wording.events import EVENTS
from members.admin.base import VerbForm

OTHER = "…"
PLAIN = ("name", "description", "starts_at", "ends_at", "is_public")
_PARTS = tuple(contents.PARTS)


def trigger_choices() -> list[tuple[str, Any]]:
    """The product's own triggers, usual events, those that campaigns use already, and any other."""
    used = Campaign.objects.order_by("trigger").values_list("trigger", flat=True).distinct()
    usual = {name: words().capitalize() for name, words in EVENTS.items()}
    own = {name: usual.get(name, name) for name in (*usual, *used) if name not in triggers.KNOWN}
    return [*triggers.KNOWN.items(), *own.items(), (OTHER, _("Another event"))]


class CampaignForm(VerbForm):
    """Errors of the verbs stand beside the field that they point at; nothing is saved before all is right."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    code = forms.CharField(
        label=_("Code"),
        required=False,
        help_text=_("For machines and explanations. Empty: one is made."),
        widget=UnfoldAdminTextInputWidget,
    )
    trigger = forms.ChoiceField(
        label=_("What sets it off"), choices=trigger_choices, widget=UnfoldAdminSelectWidget
    )
    trigger_other = forms.CharField(
        label=_("Type of the event"),
        required=False,
        help_text=_("As it is reported, for example yoga_class."),
        widget=UnfoldAdminTextInputWidget,
    )
    partner = forms.CharField(
        label=_("Partner"), required=False, widget=UnfoldAdminTextInputWidget
    )
    partner_share = forms.DecimalField(
        label=_("Share of the cost that the partner bears, in %"),
        required=False,
        widget=UnfoldAdminDecimalFieldWidget,
    )

    class Meta:
        model = Campaign
        fields = PLAIN
        help_texts = {
            "starts_at": _("Empty: at once."),
            "ends_at": _("The first moment after it. Empty: without an end."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        if row.pk:
            self.initial.update(contents.shown(contents.stored_parts(row)))
            self.initial.update(
                {
                    "version": row.version,
                    "code": row.code,
                    "trigger": row.trigger,
                    "partner": row.partner or "",
                    "partner_share": contents.share_shown(row.partner_share),
                }
            )
        elif "effect_type" not in self.initial:
            self.initial.update(contents.shown({}))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk and cleaned.get("version") != self.instance.version:
            raise forms.ValidationError(
                _(
                    "Somebody changed this campaign while the form was open. Open it again "
                    "to see what is new."
                ),
                code="changed",
            )
        return cleaned

    def changes(self) -> dict[str, Any]:
        """What the verb is called with: the parts that were touched, each of them whole."""
        cleaned, names = self.cleaned_data, self._to_save()
        said = {name: cleaned[name] for name in (*PLAIN, "code") if name in names}
        if {"trigger", "trigger_other"} & set(names):
            is_other = cleaned["trigger"] == OTHER
            said["trigger"] = cleaned["trigger_other"].strip() if is_other else cleaned["trigger"]
        said |= self._partner(names)
        for part in _PARTS:
            if set(contents.names_of(part)) & set(names):
                said[part] = contents.said(part, cleaned, names, getattr(self.instance, part))
        return said

    def _partner(self, names: Collection[str]) -> dict[str, Any]:
        said: dict[str, Any] = {}
        if "partner" in names:
            said["partner"] = self.cleaned_data["partner"].strip() or None
        if "partner_share" in names:
            said["partner_share"] = contents.share_said(self.cleaned_data["partner_share"])
        return said

    def _to_save(self) -> list[str]:
        if self.instance.pk:
            return super()._to_save()
        # Also what is off: a new campaign is public unless that was switched off.
        return [*super()._to_save(), "is_public", "trigger", *contents.names_of("effect")]

    def _field_of(self, pointer: str) -> str | None:
        """The field of a pointer, or the nearest around it: /conditions/skus/3 is conditions_skus."""
        if pointer == "/trigger" and self.cleaned_data.get("trigger") == OTHER:
            return "trigger_other"
        steps = pointer.removeprefix("/").split("/")
        if steps[-1] == "events":  # a count of events stands in the field for the count of orders
            steps[-1] = "orders"
        for length in range(len(steps), 0, -1):
            name = "_".join(steps[:length])
            if name in self.fields:
                return name
            if length > 1 and (near := [each for each in self.fields if each.startswith(name)]):
                return near[0]
        return None


for _part, _inputs in contents.PARTS.items():
    _fields = inputs.fields_of(_part, _inputs)
    CampaignForm.declared_fields.update(_fields)
    CampaignForm.base_fields.update(_fields)
