"""What the lint looks at: a campaign, and the shop around it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef

from campaigns import replay_queries
from campaigns.models import Act, Campaign, Segment
from loyalty import queries as loyalty_queries
from rewards import queries as reward_queries
from rewards.models import Reward

BLOCKING = "blocking"
WARNING = "warning"
YEAR = timedelta(days=365)
# So many of the newest replays are looked through.
MOST_REPLAYS = 200


class Finding(TypedDict):
    """One thing that is probably not meant; `pointer` names the field, `text` is for people."""

    code: str
    severity: str
    pointer: str
    text: str


def blocking(code: str, pointer: str, text: str) -> Finding:
    """A finding that has to be fixed or accepted before the campaign runs."""
    return {"code": code, "severity": BLOCKING, "pointer": pointer, "text": text}


def warning(code: str, pointer: str, text: str) -> Finding:
    """A finding to read."""
    return {"code": code, "severity": WARNING, "pointer": pointer, "text": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A campaign as the lint sees it; `budget_left` is None without a budget or before anything was given."""

    code: str
    name: str
    trigger: str
    starts_at: datetime | None
    ends_at: datetime | None
    conditions: Mapping[str, Any]
    effect: Mapping[str, Any]
    limits: Mapping[str, Any]
    combine: Mapping[str, Any]
    budget_left: int | None = None

    @classmethod
    def of(cls, campaign: Campaign | Mapping[str, Any]) -> "Subject":
        """A stored campaign, or content that may not be stored yet."""
        if isinstance(campaign, Campaign):
            return cls(
                **{name: getattr(campaign, name) for name in NAMES}, budget_left=_left(campaign)
            )
        said: dict[str, Any] = {name: campaign.get(name) for name in NAMES}
        for name in ("conditions", "effect", "limits", "combine"):
            said[name] = said[name] or {}
        for name in ("starts_at", "ends_at"):
            said[name] = _moment(said[name])
        return cls(**said)

    def meets(self, other: "Subject") -> bool:
        """Whether there are moments in the windows of both."""
        ends_before = self.ends_at and other.starts_at and self.ends_at <= other.starts_at
        starts_after = self.starts_at and other.ends_at and other.ends_at <= self.starts_at
        return not ends_before and not starts_after


NAMES = (
    "code",
    "name",
    "trigger",
    "starts_at",
    "ends_at",
    "conditions",
    "effect",
    "limits",
    "combine",
)


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _left(campaign: Campaign) -> int | None:
    budget = getattr(campaign, "budget", None)
    if budget is None or campaign.limits.get("budget_points") is None:
        return None
    return int(budget.left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The newest replay of a campaign: of which content, since when, when it first gave anything and the budget was gone.

    Moments are in ISO 8601.
    """

    content: Mapping[str, Any]
    since: str
    is_window_kept: bool
    gone_at: str | None
    first_at: str | None = None


@dataclass(kw_only=True)
class Background:
    """The shop around campaigns, asked for once and only where a rule wants to know it."""

    at: datetime

    def __post_init__(self) -> None:
        self._words: dict[tuple[str, int], frozenset[str]] = {}

    @cached_property
    def zone(self) -> ZoneInfo:
        """The program's time zone."""
        return loyalty_queries.program().zone

    @cached_property
    def running(self) -> list[Subject]:
        """The campaigns that run or are scheduled."""
        active = Campaign.objects.filter(state=Campaign.State.ACTIVE).order_by("id")
        return [Subject.of(each) for each in active.select_related("budget")]

    @cached_property
    def event_types(self) -> frozenset[str]:
        """Every trigger that some campaign has."""
        return frozenset(Campaign.objects.order_by().values_list("trigger", flat=True).distinct())

    @cached_property
    def reported_types(self) -> frozenset[str]:
        """Those of them that were reported as events at least once."""
        acts = Act.objects.filter(type=OuterRef("trigger"))
        found = Campaign.objects.filter(Exists(acts)).order_by()
        return frozenset(found.values_list("trigger", flat=True).distinct())

    def was_reported(self, trigger: str) -> bool:
        """Whether an event of this type ever came; campaigns that are stored cost one query together."""
        if trigger in self.event_types:
            return trigger in self.reported_types
        return Act.objects.filter(type=trigger).exists()

    @cached_property
    def rewards(self) -> dict[str, Reward]:
        """The catalogue by code."""
        return {each.code: each for each in reward_queries.rewards()}

    @cached_property
    def segment_sizes(self) -> dict[str, int | None]:
        """How many members each segment had when it was refreshed last, by code."""
        return dict(Segment.objects.values_list("code", "size"))

    @cached_property
    def replays(self) -> dict[str, Replayed]:
        """The newest replay of each campaign that was replayed lately, by code."""
        told = (
            "parameters",
            "result__period__from",
            "result__window",
            "result__budget_gone_at",
            "result__first_at",
        )
        newest: dict[str, Replayed] = {}
        done = replay_queries.newest_done(MOST_REPLAYS).values_list(*told)
        for asked, since, window, gone_at, first_at in done:
            replayed = Replayed(
                content=asked["content"],
                since=since,
                is_window_kept=window == "kept",
                gone_at=gone_at,
                first_at=first_at,
            )
            newest.setdefault(asked["campaign"], replayed)
        return newest

    @cached_property
    def largest_amount(self) -> Decimal | None:
        """The largest order among the newest of the last year; None when there are none."""
        return loyalty_queries.largest_amount(since=self._since)

    def words(self, kind: str, asked: Collection[str]) -> frozenset[str]:
        """The channels, categories and so on of the newest orders of the last year.

        A few orders are enough when they have all that is asked for; otherwise many are looked at.
        """
        few = self._words_of(kind, loyalty_queries.FEW)
        return few if few.issuperset(asked) else self._words_of(kind, loyalty_queries.MANY)

    def _words_of(self, kind: str, newest: int) -> frozenset[str]:
        if (kind, newest) not in self._words:
            self._words[kind, newest] = loyalty_queries.words_of_orders(
                kind=kind, since=self._since, newest=newest
            )
        return self._words[kind, newest]

    @property
    def _since(self) -> datetime:
        return self.at - YEAR
