"""The first-run wizard: choose a ready-made program, read what it would do, set it up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from campaigns import preset_changes, preset_files, presets, wording
from campaigns.models import Campaign
from campaigns.phases import Phase
from campaigns.preset_files import Preset
from loyalty import paying_words, programs
from loyalty.models import Program
from loyalty.paying import Rule
from members.errors import InvalidInput, NotFound, Refusal
from rewards.models import Offer, Reward

NEEDED = ("campaigns.add_campaign", "campaigns.activate_campaign", "loyalty.change_program")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting that would become another one."""

    label: Any
    before: str
    after: str


def changed_settings(words: Mapping[str, Any]) -> Iterator[Setting]:
    """The program's settings that the preset would change, as texts."""
    program = programs.current()
    for name, value in {**presets.USUAL, **words.get("program", {})}.items():
        before, after = _now(program, name), _text(name, value)
        if before != after:
            yield Setting(label=_label(name), before=before, after=after)


def _label(name: str) -> Any:
    labels = {"expiry": _("expiry"), "status_expiry": _("status expiry")}
    return labels.get(name) or _field(name).verbose_name


def _field(name: str) -> Any:
    return Program._meta.get_field(name)


def _now(program: Program, name: str) -> str:
    if name in programs.EXPIRIES:
        return _text(name, programs.expiry_of(program, name))
    return _text(name, getattr(program, name))


def _text(name: str, value: Any) -> str:
    if name in programs.EXPIRIES:
        label = dict(Program.ExpiryPolicy.choices)[value["policy"]]
        return f"{label} ({value['months']})" if value.get("months") else str(label)
    choices = dict(_field(name).flatchoices)
    if value in choices.values() or (isinstance(value, str) and value in choices):
        return str(choices.get(value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return paying_words.in_one(paying_words.bounds(Rule.read(value)))
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Something members will get: its name, what it is in a few words, and its price in points, if it has one."""

    name: str
    about: str
    points: int | None = None


def _shelves(words: Mapping[str, Any]) -> dict[str, list[Shelf]]:
    """Rewards, offers, draws and donation projects, by what they are."""
    kinds, offers = dict(Reward.Kind.choices), dict(Offer.Kind.choices)
    rewards = words.get("rewards", [])
    names = {each["code"]: each["name"] for each in rewards}
    return {
        _("Rewards"): [_shelf(each, kinds[each["kind"]], each["summary"]) for each in rewards],
        _("Offers"): [
            _shelf(each, offers[each["kind"]], names[each["reward"]])
            for each in words.get("offers", [])
        ],
        _("Draws"): [_shelf(each, *_odds(each["prizes"])) for each in words.get("draws", [])],
        _("Donation projects"): [
            _shelf(each, each["summary"]) for each in words.get("projects", [])
        ],
    }


def _odds(prizes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each prize with its chance at the beginning."""
    whole = sum(prize["weight"] for prize in prizes)
    for prize in prizes:
        yield f"{prize['name']} {paying_words.percent(round(Decimal(prize['weight']) / whole, 4))}"


def _shelf(words: Mapping[str, Any], *about: object) -> Shelf:
    text = " · ".join(str(each) for each in about)
    return Shelf(name=words["name"], about=text, points=words.get("points"))


def is_wanted() -> bool:
    """Whether the wizard should be offered by itself: nobody has made a campaign yet."""
    return not Campaign.objects.exists()


class SetupPages:
    """Mixin of the campaigns' admin: the list of presets, and one of them before it is set up."""

    admin_site: Any

    def get_urls(self) -> list[Any]:
        own = [
            path("setup/", self.admin_site.admin_view(self.setup), name="campaigns_setup"),
            path(
                "setup/<slug:name>/",
                self.admin_site.admin_view(self.setup_preset),
                name="campaigns_setup_preset",
            ),
        ]
        usual: list[Any] = super().get_urls()  # type: ignore[misc]
        return own + usual

    def has_set_up_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perms(NEEDED))

    @action(
        description=gettext_lazy("Set up a program"), permissions=["set_up"], icon="auto_awesome"
    )
    def set_up(self, request: HttpRequest) -> HttpResponse:
        """The way to the wizard from the list of campaigns."""
        return HttpResponseRedirect(reverse("admin:campaigns_setup"))

    def setup(self, request: HttpRequest) -> HttpResponse:
        """All presets as cards."""
        _check(request)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Set up a program"),
            "presets": list(preset_files.presets().values()),
            "loaded": _loaded(),
        }
        return TemplateResponse(request, "admin/campaigns/setup/page.html", context)

    def setup_preset(self, request: HttpRequest, name: str) -> HttpResponse:
        """What a preset would do; POST does it."""
        _check(request)
        try:
            preset = preset_files.preset(name)
        except NotFound:
            raise Http404 from None
        problem = ""
        shown = _shown(preset)
        if request.method == "POST":
            try:
                if not shown["changed"] or "overwrite" in request.POST:
                    return self._load(request, preset)
                problem = _(
                    "Some of it is there already and would be changed: tick that it may be."
                )
            except (Refusal, InvalidInput) as refusal:
                problem = str(refusal)
        context = {
            **self.admin_site.each_context(request),
            "title": preset.title,
            "problem": problem,
            **shown,
        }
        return TemplateResponse(request, "admin/campaigns/setup/preset.html", context)

    def _load(self, request: HttpRequest, preset: Preset) -> HttpResponse:
        at = timezone.now()
        loaded = presets.load(preset=preset, by=request.user.get_username(), at=at)
        address = reverse("admin:campaigns_campaign_changelist")
        words = {"preset": preset.title, "count": len(loaded.waiting)}
        if not loaded.waiting:
            messages.success(request, _("“%(preset)s” is set up and running.") % words)
            return HttpResponseRedirect(address)
        said = ngettext(
            "“%(preset)s” is set up. %(count)d campaign waits for a second person to approve it.",
            "“%(preset)s” is set up. %(count)d campaigns wait for a second person to approve them.",
            len(loaded.waiting),
        )
        messages.success(request, said % words)
        return HttpResponseRedirect(f"{address}?phase={Phase.WAITING.value}")


def _check(request: HttpRequest) -> None:
    if not request.user.has_perms(NEEDED):
        raise PermissionDenied


def _loaded() -> set[str]:
    """Names of the presets whose campaigns run."""
    made = Campaign.objects.filter(
        state=Campaign.State.ACTIVE, created_by__startswith=presets.MADE_BY
    )
    return {
        each.removeprefix(presets.MADE_BY) for each in made.values_list("created_by", flat=True)
    }


def _shown(preset: Preset) -> dict[str, Any]:
    words = preset.words()
    usual: dict[str, Any] = {
        "conditions": {},
        "limits": {},
        "combine": {},
        "starts_at": None,
        "ends_at": None,
    }
    campaigns = [{**usual, **each} for each in words["campaigns"]]
    names = wording.Names(_names(words))
    return {
        "preset": preset,
        "settings": list(changed_settings(words)),
        "tiers": words.get("tiers", []),
        "shelves": _shelves(words),
        "campaigns": [(each["name"], wording.sentence(each, names)) for each in campaigns],
        "changed": preset_changes.changed_by(preset=preset, at=timezone.now()),
        "needs_approval": programs.current().campaigns_need_approval,
        "paused": presets.others(preset=preset),
        "beside": presets.beside(preset=preset),
    }


def _names(words: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What the preset calls its tiers, rewards and draws by their codes."""
    return {
        kind: {each["code"]: each["name"] for each in words.get(kind, [])}
        for kind in ("tiers", "rewards", "draws")
    }
