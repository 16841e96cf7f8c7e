"""The wish list, and being told once when a wish can be had."""

import threading
import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import adjustments, awarding, closing, merging
from loyalty.closing import Closing
from members import lifecycle
from members.errors import MemberClosed, NotFound
from members.models import Member, Message, Tier
from rewards import catalogue, redemption, wish_telling, wishes
from rewards.models import Offer, Reward, Variant, Wish
from tests.conftest import NOON
from tests.interleaving import PATIENCE, be_patient
from tests.loyalty.builders import credit, debit, post, reversal, wallet_of
from tests.loyalty.test_races import enrol, outcomes
from tests.rewards.builders import wait_after

HOUR = timedelta(hours=1)
# An advisory lock that two workers stand before.
GATE = 20261121


def later(hours: int) -> datetime:
    return NOON + HOUR * hours


def make(code: str = "mug", points: int = 500, **other: Any) -> Reward:
    changes = {"code": code, "name": code.title(), "kind": "gift", "points": points}
    return catalogue.create(changes={**changes, **other}, at=NOON)


def give(member: Member, points: int, hours: int = 0) -> None:
    reference = f"give {points} {hours} {Message.objects.count()}"
    awarding.award(
        member=member,
        points=points,
        reference=reference,
        details={},
        expires_at=None,
        at=later(hours),
    )


def take(member: Member, points: int, hours: int) -> None:
    facts = adjustments.AdjustmentFacts(
        member=member.number, points=-points, reason="correction", reference=f"take {hours}"
    )
    adjustments.adjust(facts=facts, requested_by="owner", at=later(hours))


def tell(hours: int = 0) -> int:
    return wish_telling.tell(at=later(hours), link=lambda code: f"/rewards/{code}")


def told(member: Member) -> list[tuple[str, str]]:
    found = Message.objects.filter(member=member).order_by("id")
    return [(each.template, each.texts["en"]["title"]) for each in found]


CAN_HAVE = ("wish_affordable", "You can have it now: Mug")
IS_BACK = ("wish_back", "To be had: Mug")


class TestAdd:
    def test_is_done_once(self, bob: Member):
        make()
        first = wishes.add(member=bob, reward="mug", at=NOON)
        again = wishes.add(member=bob, reward="mug", at=later(1))
        assert (first.pk, again.added_at, again.told_at) == (again.pk, NOON, None)
        assert Wish.objects.count() == 1

    def test_of_what_can_be_had_needs_no_telling(self, ada: Member):
        make()
        assert wishes.add(member=ada, reward="mug", at=NOON).told_at == NOON
        assert (tell(1), told(ada)) == (0, [])

    def test_refuses_the_unknown_and_the_closed(self, bob: Member):
        with pytest.raises(NotFound):
            wishes.add(member=bob, reward="mug", at=NOON)
        make()
        closing.close(closing=Closing(member=bob.number), by="owner", at=NOON)
        with pytest.raises(MemberClosed):
            wishes.add(member=bob, reward="mug", at=NOON)
        assert not Wish.objects.exists()


class TestRemove:
    def test_is_fine_when_it_is_not_there(self, bob: Member, ada: Member):
        make()
        wishes.add(member=bob, reward="mug", at=NOON)
        wishes.remove(member=ada, reward="mug")
        assert Wish.objects.count() == 1
        wishes.remove(member=bob, reward="mug")
        wishes.remove(member=bob, reward="mug")
        assert not Wish.objects.exists()
        with pytest.raises(NotFound):
            wishes.remove(member=bob, reward="unheard-of")


class TestFollow:
    def test_a_closed_member_wishes_for_nothing(self, bob: Member):
        make()
        wishes.add(member=bob, reward="mug", at=NOON)
        closing.close(closing=Closing(member=bob.number), by="owner", at=NOON)
        assert not Wish.objects.exists()

    def test_wishes_go_along_when_members_are_merged(self, bob: Member, mallory: Member):
        make()
        make("cup", 700)
        wishes.add(member=bob, reward="mug", at=NOON)
        wishes.add(member=bob, reward="cup", at=NOON)
        wishes.add(member=mallory, reward="cup", at=later(1))
        merging.merge(source=bob.number, into=mallory.number, by="owner", at=later(2))
        found = Wish.objects.order_by("reward__code").values_list(
            "member", "reward__code", "added_at"
        )
        assert list(found) == [(mallory.pk, "cup", later(1)), (mallory.pk, "mug", NOON)]


class TestTell:
    @pytest.fixture(autouse=True)
    def wish(self, bob: Member) -> Wish:
        make(stock=3)
        return wishes.add(member=bob, reward="mug", at=NOON)

    def test_tells_once_when_the_points_suffice(self, bob: Member, wish: Wish):
        give(bob, 499)
        assert (tell(), told(bob)) == (0, [])
        give(bob, 1)
        assert (tell(1), tell(1), tell(2)) == (1, 0, 0)
        assert told(bob) == [CAN_HAVE]
        message = Message.objects.get()
        assert (message.link, message.sent_at) == ("/rewards/mug", later(1))
        assert "500 积分" in message.texts["zh-hans"]["body"]
        wish.refresh_from_db()
        assert (wish.told_at, wish.gone_at) == (later(1), None)

    def test_tells_again_after_the_points_had_fallen_below(self, bob: Member):
        give(bob, 600)
        assert tell() == 1
        take(bob, 101, 1)
        assert tell(1) == 0
        give(bob, 1, 2)
        assert (tell(2), told(bob)) == (1, [CAN_HAVE, CAN_HAVE])
        # Nobody looked while they were below.
        take(bob, 1, 3)
        give(bob, 1, 3)
        assert tell(4) == 0

    def test_counts_what_has_fallen_due(self, bob: Member):
        wallet = wallet_of(bob)
        post(credit(wallet, 500, "in", active_from=later(5), expires_at=later(9)))
        assert [tell(hours) for hours in (4, 5, 6, 9)] == [0, 1, 0, 0]
        # It lapsed, and other points came.
        give(bob, 500, 10)
        assert tell(10) == 1

    def test_counts_points_less_debt_and_what_pays_it(self, bob: Member):
        wallet = wallet_of(bob)
        post(credit(wallet, 700, "lost"), debit(wallet, 700, "spent"))
        post(reversal(wallet, 700, "refund", of="lost"))
        post(credit(wallet, 1_199, "in", active_from=later(2), expires_at=later(9)))
        assert (tell(1), tell(2)) == (0, 0)
        give(bob, 1, 3)
        assert tell(3) == 1

    @pytest.mark.parametrize("points", [500, 499])
    def test_tells_when_it_is_there_again(self, bob: Member, points: int):
        Reward.objects.update(stock=0)
        give(bob, points)
        assert tell() == 0
        assert Wish.objects.get().gone_at == NOON
        Reward.objects.update(stock=1)
        assert tell(1) == (1 if points == 500 else 0)
        assert told(bob) == ([IS_BACK] if points == 500 else [])
        if points == 499:
            # It was there before the points sufficed.
            give(bob, 1, 2)
            assert (tell(2), told(bob)) == (1, [CAN_HAVE])

    def test_tells_once_more_when_it_ran_out_in_between(self, bob: Member):
        give(bob, 500)
        assert tell() == 1
        Reward.objects.update(active=False)
        assert tell(1) == 0
        Reward.objects.update(active=True)
        assert (tell(2), tell(3), told(bob)) == (1, 0, [CAN_HAVE, IS_BACK])

    @pytest.mark.parametrize(
        ("starts", "early", "tiers", "first"),
        [(5, None, [], 5), (5, 3, ["base"], 3), (5, 3, ["gold"], 5)],
    )
    def test_tells_when_the_sale_begins(
        self, bob: Member, starts: int, early: int | None, tiers: list[str], first: int
    ):
        codes = {"base": bob.tier.code, "gold": Tier.objects.order_by("-rank")[0].code}
        Reward.objects.update(
            starts_at=later(starts),
            early_from=later(early) if early else None,
            early_tiers=[codes[name] for name in tiers],
        )
        give(bob, 500)
        assert [hours for hours in range(8) if tell(hours)] == [first]
        assert told(bob) == [IS_BACK]

    def test_keeps_to_the_tiers(self, bob: Member):
        give(bob, 500)
        top = Tier.objects.order_by("-rank")[0]
        Reward.objects.update(tiers=[top.code])
        assert (tell(), Wish.objects.get().told_at) == (0, None)
        Reward.objects.update(tiers=[top.code, bob.tier.code])
        assert tell(1) == 1

    def test_knows_the_price_of_the_tier_and_of_an_offer(self, bob: Member):
        give(bob, 300)
        Reward.objects.update(tier_prices={bob.tier.code: 400})
        assert tell() == 0
        Offer.objects.create(
            code="o",
            name="O",
            reward=Reward.objects.get(),
            points=300,
            per_member=1,
            starts_at=later(1),
            ends_at=later(3),
        )
        assert [tell(hours) for hours in range(5)] == [0, 1, 0, 0, 0]
        assert "300 points" in Message.objects.get().texts["en"]["body"]
        give(bob, 100, 5)
        assert tell(5) == 1

    def test_who_used_the_offer_up_pays_the_usual_price(self, bob: Member):
        give(bob, 700)
        Offer.objects.create(
            code="o",
            name="O",
            reward=Reward.objects.get(),
            points=300,
            per_member=1,
            starts_at=NOON,
            ends_at=later(9),
        )
        redeem(bob)
        assert tell(1) == 0
        give(bob, 100, 2)
        assert (tell(2), told(bob)) == (1, [CAN_HAVE])

    def test_keeps_to_the_limit_of_a_member(self, bob: Member):
        Reward.objects.update(per_member=1, per_member_period="day")
        give(bob, 1_500)
        redeem(bob)
        assert (tell(1), tell(2)) == (0, 0)
        # Tomorrow in Shanghai.
        assert tell(12) == 1

    def test_wants_a_variant_that_is_left(self, bob: Member):
        give(bob, 500)
        for code, extra, stock in (("s", 0, 0), ("m", 50, 2), ("l", 80, 2)):
            Variant.objects.create(
                reward=Reward.objects.get(), code=code, name=code, extra_points=extra, stock=stock
            )
        assert tell() == 0
        give(bob, 50, 1)
        assert tell(1) == 1
        Variant.objects.update(stock=0)
        assert (tell(2), Wish.objects.get().gone_at) == (0, later(2))

    def test_waits_while_the_member_is_frozen(self, bob: Member):
        give(bob, 500)
        lifecycle.freeze(member=bob, reason="", by="owner", at=NOON)
        assert tell() == 0
        lifecycle.unfreeze(member=bob, reason="", by="owner", at=NOON)
        assert tell(1) == 1

    def test_takes_the_same_statements_for_many(
        self, bob: Member, monkeypatch: pytest.MonkeyPatch
    ):
        members = enrol(30)
        tell()
        counts = []
        for hours, group in ((1, members[:1]), (2, members[1:])):
            for member in group:
                wishes.add(member=member, reward="mug", at=NOON)
                give(member, 500)
            with CaptureQueriesContext(connection) as captured:
                assert tell(hours) == len(group)
            counts.append(len(captured))
        assert counts[0] == counts[1]
        monkeypatch.setattr(wish_telling, "BATCH", 7)
        Wish.objects.update(told_at=None)
        assert tell(3) == 30


def redeem(member: Member, hours: int = 0) -> None:
    asked = redemption.RedemptionRequest(member=member.number, reward="mug", reference=f"r{hours}")
    redemption.redeem(request=asked, at=later(hours))


class TestRaces:
    def members(self, count: int) -> list[Member]:
        make()
        members = enrol(count)
        for member in members:
            wishes.add(member=member, reward="mug", at=NOON)
            give(member, 500)
        return members

    def race(self, db: Any, monkeypatch: pytest.MonkeyPatch, **replaced: str) -> list[int]:
        """Two workers decide at once: neither writes before the other one's statement has begun to read."""
        statement = wish_telling._DECIDE
        gated = f"WHERE (SELECT pg_advisory_xact_lock_shared({GATE})) IS NOT NULL AND w.id > %s"
        for old, new in {"WHERE w.id > %s": gated, **replaced}.items():
            assert statement.count(old) == 1
            statement = statement.replace(old, new)
        monkeypatch.setattr(wish_telling, "_DECIDE", statement)
        is_shut = threading.Barrier(3)

        def work(number: int) -> int:
            if number == 2:
                keep_the_gate(is_shut, visitors=2)
                return 0
            is_shut.wait(timeout=PATIENCE)
            be_patient()
            # As if the run of the next hour began before the first has ended: their messages differ.
            return tell(number)

        return list(db.run_parallel(work, 3, connections_at_once=3))

    @pytest.mark.parametrize("count", [1, 30])
    def test_two_workers_tell_everybody_once(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch, count: int
    ):
        members = self.members(count)
        assert sum(self.race(committed_db, monkeypatch)) == count
        assert {len(told(member)) for member in members} == {1}

    @pytest.mark.parametrize("count", [1, 30])
    def test_without_locks_they_tell_everybody_twice(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch, count: int
    ):
        members = self.members(count)
        unlocked = {"FOR UPDATE OF w SKIP LOCKED": ""}
        assert sum(self.race(committed_db, monkeypatch, **unlocked)) == 2 * count
        assert {len(told(member)) for member in members} == {2}

    def test_20_hearts_at_once_are_one_wish(self, committed_db: Any):
        make()
        member = enrol()[0]
        results = committed_db.run_parallel(
            lambda _: wishes.add(member=member, reward="mug", at=NOON), 20
        )
        assert len({each.pk for each in results}) == 1
        assert Wish.objects.count() == 1

    @pytest.fixture
    def unlocked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The member is read without a lock, and all 20 have looked at the list before anybody writes on it."""

        def read_only(*, members: Collection[int]) -> dict[int, Member]:
            return Member.objects.in_bulk(list(members))

        monkeypatch.setattr(lifecycle, "lock", read_only)
        wait_after(monkeypatch, wishes, "_can_have", threading.Barrier(20))

    def test_without_the_lock_19_hearts_meet_the_key(self, committed_db: Any, unlocked: None):
        make()
        member = enrol()[0]
        results = committed_db.run_parallel(
            lambda _: wishes.add(member=member, reward="mug", at=NOON), 20
        )
        assert outcomes(results) == {"Wish": 1, "IntegrityError": 19}

    def test_without_lock_and_key_20_hearts_are_20_wishes(self, committed_db: Any, unlocked: None):
        make()
        member = enrol()[0]
        with committed_db.without("rewards_wish", "wish_once"):
            results = committed_db.run_parallel(
                lambda _: wishes.add(member=member, reward="mug", at=NOON), 20
            )
            assert outcomes(results) == {"Wish": 20}
            assert Wish.objects.count() == 20


def keep_the_gate(is_shut: threading.Barrier, visitors: int) -> None:
    """Shut the gate, and open it when so many stand before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE])
        try:
            is_shut.wait(timeout=PATIENCE)
            latest = time.monotonic() + PATIENCE
            while _waiting(cursor) < visitors and time.monotonic() < latest:
                time.sleep(0.01)
            assert _waiting(cursor) == visitors
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [GATE])


def _waiting(cursor: Any) -> int:
    cursor.execute(
        """SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
        WHERE datname = current_database() AND locktype = 'advisory' AND objid = %s AND NOT granted""",
        [GATE],
    )
    return int(cursor.fetchone()[0])
