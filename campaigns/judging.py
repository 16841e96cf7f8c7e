"""Which campaigns give what for orders or acts: read once for a batch, then judged from memory alone."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from campaigns import running as campaigns_running
from campaigns import segmenting
from campaigns.histories import Past
from campaigns.models import Campaign, CampaignAward
from campaigns.occasions import REFERRAL, Occasion
from campaigns.rule_effects import effect_of
from campaigns.rule_tables import RuleTable, table_of
from campaigns.rules import Rule, compile_rule
from campaigns.usage import Usage
from loyalty import earning
from loyalty.earning import Facts
from loyalty.effects import Effect, Given, Room, StatusBonus


def running(
    *, triggers: Collection[str], since: datetime, until: datetime | None = None
) -> list[Rule]:
    """The rules that are in force for what happened from `since` to `until`, in the order in which they count."""
    found = campaigns_running.active_campaigns(
        triggers=triggers, since=since, until=until or since
    )
    return in_order(rule_of(campaign) for campaign in found)


def in_order(rules: Iterable[Rule]) -> list[Rule]:
    """The highest priority number first, then the one that was made first."""
    return sorted(rules, key=lambda rule: (-rule.priority, rule.id))


def rule_of(campaign: Campaign) -> Rule:
    """The campaign as a rule; compiled once for what it says."""
    content = {name: getattr(campaign, name) for name in _SAID}
    known = _compiled.get(campaign.code)
    if known is not None and known[0] == (campaign.pk, campaign.version, content):
        return known[1]
    if len(_compiled) >= _MOST_COMPILED:
        _compiled.clear()
    rule = compile_rule(id=campaign.pk or 0, version=campaign.version, content=content)
    _compiled[campaign.code] = (campaign.pk, campaign.version, content), rule
    return rule


_SAID = (
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
_MOST_COMPILED = 2_000
_compiled: dict[str, tuple[tuple[int | None, int, dict[str, Any]], Rule]] = {}


class Judge:
    """Rules with what has to be known to judge by them: history, use of limits, segments."""

    def __init__(self, rules: Sequence[Rule], past: Past | None = None) -> None:
        self.rules = rules
        self.past = past or Past()
        self.usage = Usage()
        self.tables: dict[str, RuleTable] = {}
        self.needs = frozenset(need for rule in rules for need in rule.needs)
        self.members_of: dict[int, frozenset[str]] = {}

    def load(
        self,
        *,
        occasions: Sequence[Occasion],
        others: Collection[int] = (),
        act_type: str | None = None,
        lock: bool = True,
    ) -> None:
        """Read what the rules need for these occasions (and the use of limits by `others`): a fixed number of queries.

        Budgets of rules that may match are locked in id order; the members' wallets have to be locked before.
        """
        if not self.rules or not occasions:
            return
        names = frozenset(period for rule in self.rules for period in rule.periods)
        self.past.load(occasions=occasions, needs=self.needs, names=names, act_type=act_type)
        self._load_segments(occasions)
        members = {each.member.pk for each in occasions} | set(others)
        self.usage.load(rules=self.rules, members=members)
        self.usage.load_budgets(
            campaigns={
                rule.id
                for rule in self.rules
                if "budget_points" in rule.limits
                and any(rule.may_match(each) for each in occasions)
            },
            lock=lock,
        )
        grants = [
            rule
            for rule in self.rules
            if rule.effect["type"] == "grant_reward"
            and any(rule.may_match(each) for each in occasions)
        ]
        self.usage.load_stock(rules=grants, lock=lock)

    def _load_segments(self, occasions: Sequence[Occasion]) -> None:
        if "segments" not in self.needs:
            return
        codes = {
            code
            for rule in self.rules
            for check in rule.checks
            if check.name == "segments"
            for code in check.expected
        }
        members = {each.member.pk for each in occasions}
        at = max(each.at for each in occasions)
        self.members_of = segmenting.codes_of(
            members=members, codes=codes, at=at, but=self.past.own[0], before=self.past.own[1]
        )
        for occasion in occasions:
            occasion.segments = self.members_of.get(occasion.member.pk, frozenset())

    # ---- judging: from memory alone -----------------------------------------------------------
    def matching(self, occasion: Occasion, trigger: str) -> list[Rule]:
        """The rules of a trigger whose conditions all hold."""
        table = self.tables.get(trigger)
        if table is None:
            rules = [rule for rule in self.rules if rule.trigger == trigger]
            table = self.tables[trigger] = table_of(rules)
        return table.matching(occasion)

    def effects(self, occasion: Occasion, facts: Facts) -> list[Effect]:
        """What the matching rules contribute, one of each exclusive group."""
        made = []
        has_groups = False
        for rule in self.matching(occasion, occasion.trigger):
            is_limited = rule.limits or rule.effect["type"] == "grant_reward"
            room = self.room(rule, occasion.member.id, occasion) if is_limited else None
            effect = effect_of(rule, occasion, facts, room)
            if effect is not None:
                made.append((rule, effect))
                has_groups = has_groups or rule.group is not None
        return _without_rivals(made, facts) if has_groups else [effect for _rule, effect in made]

    def room(self, rule: Rule, member: int, occasion: Occasion) -> Room | None:
        """What the rule's limits leave for one more award to a member."""
        return self.usage.room(rule, member, occasion.day)

    def explain(self, occasion: Occasion) -> list[dict[str, Any]]:
        """Every rule of the occasion's trigger with its conditions and what they saw."""
        triggers = {occasion.trigger, REFERRAL} if occasion.is_order else {occasion.trigger}
        return [
            {
                "rule": rule.code,
                "title": rule.name,
                "version": rule.version,
                "matched": rule.matches(occasion),
                "conditions": rule.conditions(occasion),
            }
            for rule in self.rules
            if rule.trigger in triggers
        ]

    def note(
        self, occasion: Occasion, given: Iterable[Given], *, is_later: bool = False
    ) -> list[CampaignAward]:
        """The occasion was posted and gave this: limits are used, history goes on. Returns the awards (unsaved).

        `is_later`: it adds to something that has happened already, and is nothing that happened itself.
        """
        awards = []
        for each in by_rules(given):
            rule = each.effect.source
            points = each.points + each.status_points + each.pieces
            self.usage.note(rule, occasion.member.pk, occasion.day, points)
            awards.append(award_of(rule, occasion.member.pk, occasion, each))
        if not is_later:
            self.past.note(occasion)
        return awards


def by_rules(given: Iterable[Given]) -> list[Given]:
    """What campaigns gave, without what others did."""
    return [each for each in given if isinstance(each.effect.source, Rule)]


def award_of(rule: Rule, member: int, occasion: Occasion, given: Given) -> CampaignAward:
    """The row that says what a rule gave a member (unsaved, without its order or act)."""
    return CampaignAward(
        campaign_id=rule.id,
        version=rule.version,
        member_id=member,
        day=occasion.day,
        at=occasion.at,
        points=given.points,
        status_points=given.status_points,
        pieces=given.pieces,
        cut=given.cut,
    )


def _without_rivals(made: Sequence[tuple[Rule, Effect]], facts: Facts) -> list[Effect]:
    """Of each group what its first rule's mode says: all (stack), the first, or the one that gives most alone (best)."""
    groups: dict[str, list[tuple[Rule, Effect]]] = {}
    for rule, effect in made:
        if rule.group:
            groups.setdefault(rule.group, []).append((rule, effect))
    losers = set()
    for members in groups.values():
        mode = members[0][0].mode
        if mode == "stack" or len(members) == 1:
            continue
        winner = members[0][1]
        if mode == "best":
            winner = max((effect for _rule, effect in members), key=lambda e: _alone(facts, e))
        losers |= {id(effect) for _rule, effect in members if effect is not winner}
    return [effect for _rule, effect in made if id(effect) not in losers]


def _alone(facts: Facts, effect: Effect) -> int:
    """What an effect would give if it were the only one, within its limits."""
    worth = (
        effect.points if isinstance(effect, StatusBonus) else earning.worth_alone(facts, effect)
    )
    if effect.room is None:
        return worth
    left = max(0, effect.room.tightest()[1])
    if worth <= left:
        return worth
    return 0 if effect.room.is_whole else left
