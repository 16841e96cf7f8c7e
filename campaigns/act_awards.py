"""What acts earn: judged by the campaigns of their types, posted in one go, however many there are."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from campaigns import budgets, granting, judging
from campaigns.judging import Judge
from campaigns.models import Act, CampaignAward
from campaigns.occasions import CHECK_IN, Occasion, of_act
from loyalty import earning, expiry, ledger, programs, tiers
from loyalty.earning import Earned
from loyalty.effects import Given
from loyalty.errors import out_of_range
from loyalty.ledger import MAX_POINTS, Credit, Held
from loyalty.models import Entry
from loyalty.tiers import StatusCredit, Walk
from members import queries as member_queries

Part = dict[str, Any]
EVERY: Mapping[tuple[int, str], Collection[str]] = {}
# Parts that only say something where they multiply a bonus: an act has no amount of its own.
_FACTORS = frozenset({"base", "tier", "multiplier"})


def give(
    *,
    acts: Sequence[Act],
    held: Held,
    at: datetime,
    only: Mapping[tuple[int, str], Collection[str]] = EVERY,
) -> None:
    """Store new acts (unsaved, with their members) and give what the campaigns give for them.

    `only` names for some acts, by (member, reference), the campaigns that may give something. The members' wallets are
    locked by the caller. Raises InvalidInput `out_of_range` (/data).
    """
    _Giving(acts, held, at, only).give()


class _Giving:
    """One batch: read what judging needs, walk the acts as they come, write."""

    def __init__(
        self,
        acts: Sequence[Act],
        held: Held,
        at: datetime,
        only: Mapping[tuple[int, str], Collection[str]],
    ) -> None:
        self.acts = acts
        self.only = only
        self.held = held
        self.at = at
        self.program = programs.current()
        moments = [act.at for act in acts]
        budgets.stand_by()
        # By type, in one order for everybody: budgets are locked on the way.
        self.judges = {
            trigger: Judge(
                judging.running(triggers=[trigger], since=min(moments), until=max(moments))
            )
            for trigger in sorted({act.type for act in acts})
        }
        self.walks: dict[int, Walk] = {}
        self.stores: dict[str, int] = {}
        self.postings: list[Credit] = []
        self.noted: list[tuple[Act, CampaignAward, Given]] = []
        self.coming: dict[int, int] = {}

    def give(self) -> None:
        if any(judge.rules for judge in self.judges.values()):
            self._judge()
        Act.objects.bulk_create(self.acts)
        for act, award, _given in self.noted:
            award.act = act
        CampaignAward.objects.bulk_create([award for _act, award, _given in self.noted])
        for judge in self.judges.values():
            judge.usage.write(at=self.at)
        ledger.post(postings=self.postings, at=self.at, held=self.held)
        granting.hand_out(
            noted=[(f"act/{act.pk}", award, given) for act, award, given in self.noted], at=self.at
        )
        # Last: whoever hears of a new tier finds everything written.
        tiers.record(walks=self.walks, at=self.at)

    # ---- reading ------------------------------------------------------------------------------
    def _judge(self) -> None:
        occasions = [self._occasion(act) for act in self.acts]
        for trigger, judge in self.judges.items():
            judge.load(
                occasions=[each for each in occasions if each.trigger == trigger],
                act_type=trigger,
            )
        self._load_walks()
        self._load_stores(occasions)
        for act, occasion in zip(self.acts, occasions, strict=True):
            self._earn(act, occasion)

    def _occasion(self, act: Act) -> Occasion:
        return of_act(
            trigger=act.type,
            at=act.at,
            member=act.member,
            zone=self.program.zone,
            history=self.judges[act.type].past,
            data=act.data,
        )

    def _load_walks(self) -> None:
        most = {
            trigger: sum(
                int(rule.effect["points"])
                for rule in judge.rules
                if rule.effect["type"] == "status_points"
            )
            for trigger, judge in self.judges.items()
        }
        expected: dict[int, int] = {}
        for act in self.acts:
            expected[act.member_id] = expected.get(act.member_id, 0) + most[act.type]
        self.walks = tiers.load_walks(
            expected=expected,
            lifetimes={member: self.held.of(member, "status").earned for member in expected},
            since=min(self.at, *(act.at for act in self.acts)),
            at=self.at,
            program=self.program,
        )

    def _load_stores(self, occasions: Sequence[Occasion]) -> None:
        codes = {each.store for each in occasions if each.store}
        if codes:
            found = member_queries.stores_by_code(codes)
            self.stores = {code: store.pk for code, store in found.items()}

    # ---- one act ------------------------------------------------------------------------------
    def _earn(self, act: Act, occasion: Occasion) -> None:
        judge = self.judges[act.type]
        tier = self.walks[act.member_id].held_at(act.at)
        occasion.tier = tier.code
        facts = earning.Facts(amounts=(), tier=tier, program=self.program, member=act.member)
        effects = judge.effects(occasion, facts)
        only = self.only.get((act.member_id, act.reference))
        if only is not None:
            effects = [each for each in effects if each.rule in only]
        earned = earning.combined(
            facts, [*earning.base_points(facts), *earning.tier_multiplier(facts), *effects]
        )
        given = earned.given
        act.points, act.status_points = earned.points, earned.status_points
        act.explanation = _said(earned.explanation)
        self._limit(act)
        awards = judge.note(occasion, given, is_later=only is not None)
        found = zip(awards, judging.by_rules(given), strict=True)
        self.noted += [(act, award, each) for award, each in found]
        self._post(act, occasion, earned)

    def _limit(self, act: Act) -> None:
        for code, points in (("points", act.points), ("status", act.status_points)):
            wallet = self.held.of(act.member_id, code)
            coming = self.coming[wallet.id] = self.coming.get(wallet.id, 0) + points
            if points > MAX_POINTS or not wallet.has_room(coming, Entry.Kind.EARN):
                raise out_of_range("/data")

    def _post(self, act: Act, occasion: Occasion, earned: Earned) -> None:
        start = min(act.at, self.at)
        common: dict[str, Any] = {
            "kind": Entry.Kind.EARN,
            "reference": reference(act),
            "at": act.at,
            "details": _details(act),
            "store": self.stores.get(occasion.store or ""),
        }
        if act.points:
            wallet = self.held.of(act.member_id)
            active_from = expiry.active_from(self.program, start)
            lapses = expiry.points_lapse_at(self.program, active_from, wallet.last_activity_at)
            self.postings.append(
                Credit(
                    wallet=wallet.id,
                    points=act.points,
                    explanation=act.explanation,
                    active_from=active_from,
                    expires_at=lapses,
                    **common,
                )
            )
        if act.status_points:
            wallet = self.held.of(act.member_id, "status")
            lapses = expiry.status_lapses_at(self.program, start, wallet.last_activity_at)
            self.postings.append(
                Credit(
                    wallet=wallet.id,
                    points=act.status_points,
                    explanation=_said(earned.status_explanation),
                    active_from=start,
                    expires_at=lapses,
                    **common,
                )
            )
            self.walks[act.member_id].add(StatusCredit(start, lapses, act.status_points))


def reference(act: Act) -> str:
    """The reference of what an act posts: once for ever."""
    return f"act/{act.source}/{act.reference}"


def _said(parts: Sequence[Part]) -> list[Part]:
    """The parts that say something: what multiplies only where there is something to multiply."""
    if any("multiplied" in part for part in parts):
        return list(parts)
    return [part for part in parts if part["kind"] not in _FACTORS]


def _details(act: Act) -> dict[str, Any]:
    """What the entries are called by: the type, and for a type of the merchant's own the campaign that gave first."""
    names = [part["title"] for part in act.explanation if part.get("title")]
    said: dict[str, Any] = {"event": act.type, **({"title": names[0]} if names else {})}
    # The counts of sign-ins are the product's own; what others report is theirs.
    return said | ({"streak": act.data["streak"]} if act.type == CHECK_IN else {})
