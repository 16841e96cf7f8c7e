"""What a campaign said when: its versions, and the differences between any two of them in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from campaigns import wording
from campaigns.admin import contents
from campaigns.admin.campaign_list import CampaignList, trigger_words
from campaigns.models import Campaign, CampaignVersion
from campaigns.wording import Names

Content = Mapping[str, Any]
# So many of the latest versions are offered to be compared; older ones by their numbers in the address.
SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A part of a rule that reads differently: before and after; empty where there was nothing."""

    label: Any
    before: str
    after: str


def differences(before: Content, after: Content, names: Names) -> list[Difference]:
    """What differs between two contents, in words."""
    found = [*_plain(before, after), *_parts(before, after, names)]
    return [each for each in found if each.before != each.after]


def _plain(before: Content, after: Content) -> Iterator[Difference]:
    labels = {
        "name": gettext_lazy("name"),
        "code": gettext_lazy("code"),
        "description": gettext_lazy("words for members"),
        "is_public": gettext_lazy("shown to members"),
    }
    for name, label in labels.items():
        yield Difference(label=label, before=_text(before, name), after=_text(after, name))
    for label, words in _WORDS.items():
        yield Difference(label=label, before=words(before), after=words(after))


def _text(content: Content, name: str) -> str:
    value = content.get(name)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "" if value is None else str(value)


_WORDS = {
    gettext_lazy("state"): lambda content: str(
        dict(Campaign.State.choices).get(content.get("state"), "")
    ),
    gettext_lazy("window"): lambda content: (
        wording.window_words(content.get("starts_at"), content.get("ends_at")) or _("always")
    ),
    gettext_lazy("set off by"): lambda content: trigger_words(content.get("trigger", "")),
    gettext_lazy("combination"): lambda content: wording.combination_words(
        content.get("combine") or {}
    ),
    gettext_lazy("partner"): lambda content: wording.partner_words(
        content.get("partner"), contents.as_decimal(content.get("partner_share"))
    ),
}


def _parts(before: Content, after: Content, names: Names) -> Iterator[Difference]:
    for each in contents.PARTS["conditions"]:
        texts = [
            _condition(each.name, (content.get("conditions") or {}).get(each.name), names)
            for content in (before, after)
        ]
        label = next(iter(each.fields.values()))().label
        yield Difference(label=label, before=texts[0], after=texts[1])
    said = [wording.effect_words(content["effect"], names) for content in (before, after)]
    yield Difference(label=_("effect"), before=said[0], after=said[1])
    said = [
        wording.limit_words(content.get("limits") or {}, content["effect"])
        for content in (before, after)
    ]
    yield Difference(label=_("limits"), before=said[0], after=said[1])


def _condition(name: str, value: Any, names: Names) -> str:
    return "" if value in (None, [], {}, False) else wording.condition_words(name, value, names)


class CampaignVersions(CampaignList):
    """The page of versions: `?from=2&to=5` compares any two."""

    @action(description=gettext_lazy("Versions"), permissions=["view"])
    def versions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = get_object_or_404(self.get_queryset(request), pk=object_id)
        versions = list(campaign.versions.order_by("-number")[:SHOWN])
        names = Names()
        chosen = _chosen(campaign, request.GET, versions)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Versions of “%(name)s”") % {"name": campaign.name},
            "model_admin": self,
            "campaign": campaign,
            "rows": [
                {"version": each, "changes": _changes(each, earlier, names)}
                for each, earlier in zip(versions, [*versions[1:], None], strict=True)
            ],
            "chosen": chosen,
            "differences": _between(chosen, names),
        }
        return TemplateResponse(request, "admin/campaigns/campaign/versions.html", context)


def _changes(
    version: CampaignVersion, earlier: CampaignVersion | None, names: Names
) -> list[Difference]:
    return [] if earlier is None else differences(earlier.content, version.content, names)


def _between(
    chosen: tuple[CampaignVersion, CampaignVersion] | None, names: Names
) -> list[Difference]:
    return [] if chosen is None else differences(chosen[0].content, chosen[1].content, names)


def _chosen(
    campaign: Campaign, asked: Any, versions: Sequence[CampaignVersion]
) -> tuple[CampaignVersion, CampaignVersion] | None:
    """The two versions to compare, the older first; without a choice the last two."""
    numbers = [asked.get(name, "") for name in ("from", "to")]
    if all(each.isascii() and each.isdigit() and len(each) < 9 for each in numbers):
        found = campaign.versions.filter(number__in=[int(each) for each in numbers])
        pair = list(found.order_by("number"))
    else:
        pair = list(versions[:2])[::-1]
    return (pair[0], pair[1]) if len(pair) == 2 else None
