import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from loyalty import closing, merging, ordering, programs, refunds, wording
from loyalty import queries as loyalty_queries
from loyalty.closing import Closing
from loyalty.errors import InDebt, InsufficientPoints, WalletFrozen
from loyalty.models import Entry
from loyalty.refunds import RefundFacts
from members import lifecycle
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member, Tier
from rewards import (
    draw_checking,
    draw_queries,
    draw_recipe,
    draw_rounds,
    draw_tickets,
    draws,
    fulfilment,
    giving,
    vouchers,
)
from rewards.draw_errors import DrawNotForTier, DrawNotOpen, DrawOver, GoesUsedUp, TicketNeeded
from rewards.errors import MonthlyCapReached, OutOfStock
from rewards.fulfilment import Parcel
from rewards.models import Draw, DrawPlay, DrawPrize, DrawRound, Redemption, Reward, Voucher
from rewards.voucher_errors import TicketForDraws
from tests.conftest import NOON
from tests.loyalty.builders import order
from tests.rewards.conftest import new_reward
from tests.rewards.draws import NOTHING, go, new_draw, points, reward
from tests.rewards.test_draw_recipe import DIGESTS, HASH, MEMBER, SEED, WON

MICROSECOND = timedelta(microseconds=1)
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)  # 2026-11-22 00:00 in Shanghai
DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)

Everything = Callable[[], list[Any]]
Active = Callable[[Member], int]
Redeem = Callable[..., Redemption]


@pytest.fixture
def all_of_draws(everything: Everything) -> Everything:
    """All that a refused go must leave as it was."""
    models = [DrawRound, DrawPrize, DrawPlay]
    return lambda: [
        *everything(),
        *[list(model._default_manager.order_by("pk").values()) for model in models],
    ]


class TestPlay:
    def test_takes_the_points_and_draws_the_first_ticket(self, ada: Member, active: Active):
        played = go(ada, new_draw(), "r1")

        assert (played.number, played.points, played.prize.name) == (1, 10, "Nothing")
        assert (played.member_number, played.voucher, played.redemption) == (
            ada.number,
            None,
            None,
        )
        assert active(ada) == 990
        entry = Entry.objects.get(kind="redeem")
        assert (entry.points, entry.reference) == (-10, "draw/r1")
        assert wording.entry_title(entry) == "抽奖：AUTUMN"
        assert entry.explanation == [
            {"rule": "autumn", "title": "AUTUMN", "kind": "draw", "points": -10}
        ]

    def test_follows_the_recipe_to_the_letter(self, ada: Member):
        prizes = [
            points("A", 1, stock=1),
            points("B", 2, weight=2, stock=2),
            {"name": "C", "kind": "nothing", "weight": 3},
        ]
        draw = new_draw("spring", prizes=prizes)
        Member.objects.filter(pk=ada.pk).update(number=MEMBER)
        DrawRound.objects.update(seed=SEED.hex(), seed_hash=HASH)
        ada.refresh_from_db()

        played = [go(ada, draw, f"r{number}") for number in range(1, 7)]

        assert [each.number for each in played] == [1, 2, 3, 4, 5, 6]
        assert [each.digest for each in played] == DIGESTS
        assert [" ABC".index(each.prize.name) for each in played] == WON
        assert [prize.stock for prize in draw_queries.prizes_of(draw)] == [1, 0, None]

    def test_gives_a_reward_with_its_voucher(self, ada: Member, active: Active):
        new_reward("mug", stock=5)
        played = go(ada, new_draw(prizes=[reward("mug", stock=2), points("P", 1)]), "r1")
        while played.prize.name != "mug":
            played = go(ada, played.round.draw, f"again {played.number}")

        assert played.redemption is not None
        assert (played.redemption.points, played.redemption.state) == (0, "issued")
        assert played.redemption.vouchers.get().state == "active"
        # Two were set aside when the round opened; one of them has gone.
        assert Reward.objects.get().stock == 3
        (prize, _rest) = draw_queries.prizes_of(played.round.draw)
        assert (prize.stock, prize.set_aside) == (1, 1)

    def test_credits_points_and_says_why(self, ada: Member, active: Active):
        played = go(ada, new_draw(prizes=[points("Fifty", 50)]), "r1")

        assert active(ada) == 1_040
        entry = Entry.objects.get(kind="earn", reference=f"draw/{played.round.code}/1")
        assert wording.entry_title(entry) == "AUTUMN · Fifty"
        assert wording.entry_reason(entry) == "Fifty +50"

    def test_again_with_its_reference_is_the_same_go(self, ada: Member, all_of_draws: Everything):
        draw = new_draw(prizes=[points("Five", 5)])
        first = go(ada, draw, "r1")
        before = all_of_draws()

        again = draws.play(
            request=draws.PlayRequest(member=ada.number, draw="autumn", reference=" r1 "),
            at=NOON + timedelta(days=400),
        )

        assert (again.play, again.is_new) == (first, False)
        assert all_of_draws() == before
        new_draw("winter")
        with pytest.raises(ReferenceReused):
            go(ada, Draw.objects.get(code="winter"), "r1")

    def test_two_members_may_use_the_same_reference(self, ada: Member, mallory: Member):
        draw = new_draw(points=None)
        for member in (ada, mallory):
            give_ticket(member)
        assert [go(each, draw, "r").number for each in (ada, mallory)] == [1, 2]

    def test_goes_on_with_its_history_after_a_merge(self, ada: Member, bob: Member):
        draw = new_draw(per_member=1, per_member_period="ever")
        go(ada, draw, "r1")
        merging.merge(source=ada.number, into=bob.number, by="clerk", at=NOON)

        with pytest.raises(GoesUsedUp):
            go(bob, draw, "r2")
        assert DrawPlay.objects.get().member == bob
        assert DrawPlay.objects.get().member_number == ada.number


def give_ticket(
    member: Member, draw: Draw | None = None, *, at: datetime = NOON, reference: str = "gift"
) -> Voucher:
    """A ticket for a draw, or for any."""
    code = draw_tickets.reward_for(draw.code if draw else None)
    gift = giving.Gift(member=member.pk, reward=code, pieces=1, reference=reference)
    made = giving.give(gift=gift, at=at)
    assert made is not None
    return made.vouchers.get()


class TestTickets:
    def test_are_good_at_no_counter(self, ada: Member) -> None:
        ticket = give_ticket(ada, new_draw())
        placed = ordering.place(order=order("1", member=ada, coupon=ticket.code), at=NOON)

        for use in (
            lambda: vouchers.use(code=ticket.code, store=None, reference="", used_by="", at=NOON),
            lambda: fulfilment.fulfil(
                number=ticket.redemption.number, parcel=Parcel(), by="", at=NOON
            ),
        ):
            with pytest.raises(TicketForDraws) as refusal:
                use()
            assert (refusal.value.code, refusal.value.data) == ("not_eligible", {"draw": "autumn"})
        assert placed.order is not None
        ticket.refresh_from_db()
        assert (ticket.state, ticket.redemption.state) == ("active", "issued")
        assert go(ada, Draw.objects.get(), "r1").voucher == ticket

    def test_are_used_before_points(self, ada: Member, active: Active):
        ticket = give_ticket(ada)
        played = go(ada, new_draw(), "r1")

        assert (played.points, played.voucher) == (0, ticket)
        assert active(ada) == 1_000
        ticket.refresh_from_db()
        assert (ticket.state, ticket.used_at, ticket.used_reference) == ("used", NOON, "draw/r1")
        assert ticket.redemption.state == "used"
        (issued_or_used,) = ticket.steps.filter(kind="used")
        assert issued_or_used.data == {"draw": "autumn"}
        assert go(ada, played.round.draw, "r2").points == 10

    def test_that_expire_first_go_first(self, ada: Member):
        draw = new_draw(points=None)
        late = give_ticket(ada, at=NOON, reference="late")
        soon = give_ticket(ada, draw, at=NOON - timedelta(days=3), reference="soon")
        Voucher.objects.filter(pk=give_ticket(ada, reference="never").pk).update(expires_at=None)

        used = [go(ada, draw, f"r{number}").voucher for number in range(3)]
        assert used[:2] == [soon, late]

    def test_of_another_draw_are_no_good(self, ada: Member, all_of_draws: Everything):
        other = new_draw("other")
        give_ticket(ada, other)
        draw = new_draw(points=None)
        before = all_of_draws()
        with pytest.raises(TicketNeeded):
            go(ada, draw, "r1")
        assert all_of_draws() == before

    @pytest.mark.parametrize(
        ("moment", "is_good"), [(-MICROSECOND, True), (timedelta(0), False), (MICROSECOND, False)]
    )
    def test_are_good_until_they_expire(self, ada: Member, moment: timedelta, is_good: bool):
        ticket = give_ticket(ada)
        assert ticket.expires_at is not None
        played = go(ada, new_draw(), "r1", at=ticket.expires_at + moment)
        assert (played.voucher == ticket) is is_good

    @pytest.mark.parametrize(
        ("moment", "is_good"), [(-MICROSECOND, False), (timedelta(0), True), (MICROSECOND, True)]
    )
    def test_are_good_from_when_they_become_active(
        self, ada: Member, moment: timedelta, is_good: bool
    ):
        ticket = give_ticket(ada)
        Voucher.objects.update(active_from=MIDNIGHT, state="inactive")
        played = go(ada, new_draw(), "r1", at=MIDNIGHT + moment)
        assert (played.voucher == ticket) is is_good

    def test_are_bought_like_any_reward(self, ada: Member, redeem: Redeem):
        draw = new_draw(points=None)
        sold = new_reward("entry", kind="draw_ticket", points=30)
        Reward.objects.filter(pk=sold.pk).update(draw=draw)
        made = redeem(ada, sold, "buy", quantity=2)
        assert {go(ada, draw, f"r{number}").voucher for number in range(2)} == set(
            made.vouchers.all()
        )
        with pytest.raises(TicketNeeded):
            go(ada, draw, "r3")

    def test_are_made_once_for_each_draw_and_for_any(self, ada: Member):
        draw = new_draw()
        first = [give_ticket(ada, draw, reference=name).reward for name in "ab"]
        assert len(set(first)) == 1
        assert (first[0].draw, first[0].active, first[0].kind) == (draw, False, "draw_ticket")
        assert give_ticket(ada, reference="c").reward.code == "draw-ticket"


class TestRefusals:
    def refused(
        self, everything: Everything, refusal: type[Exception], member: Member, at: datetime = NOON
    ) -> Any:
        before = everything()
        with pytest.raises(refusal) as caught:
            go(member, Draw.objects.get(), "refused", at=at)
        assert everything() == before
        return getattr(caught.value, "data", None)

    def test_short_points(self, bob: Member, all_of_draws: Everything):
        new_draw()
        said = self.refused(all_of_draws, InsufficientPoints, bob)
        assert said == {"needed": 10, "available": 0}

    def test_debt(self, bob: Member, all_of_draws: Everything):
        new_draw()
        ordering.place(order=order("1", "50.00", member=bob), at=NOON)
        go(bob, Draw.objects.get(), "r0")
        facts = RefundFacts(reference="f", at=NOON, amount=Decimal("50.00"))
        refunds.refund(source="default", number="1", facts=facts, now=NOON)
        assert self.refused(all_of_draws, InDebt, bob) == {"debt": 10}

    def test_frozen(self, ada: Member, all_of_draws: Everything):
        new_draw()
        give_ticket(ada)
        lifecycle.freeze(member=ada, reason="?", by="clerk", at=NOON)
        self.refused(all_of_draws, WalletFrozen, ada)

    def test_closed(self, bob: Member, all_of_draws: Everything):
        new_draw()
        closing.close(closing=Closing(member=bob.number, forfeit=True), by="clerk", at=NOON)
        self.refused(all_of_draws, MemberClosed, bob)

    def test_other_tiers(self, ada: Member, all_of_draws: Everything):
        gold = Tier.objects.order_by("-rank")[0].code
        new_draw(tiers=[gold])
        assert self.refused(all_of_draws, DrawNotForTier, ada) == {"tiers": [gold]}

    def test_switched_off(self, ada: Member, all_of_draws: Everything):
        new_draw(active=False)
        self.refused(all_of_draws, DrawNotOpen, ada)

    def test_without_prizes(self, ada: Member, all_of_draws: Everything):
        new_draw(prizes=[])
        self.refused(all_of_draws, DrawNotOpen, ada)

    def test_unknown_things(self, ada: Member):
        draw = new_draw()
        with pytest.raises(NotFound):
            draws.play(
                request=draws.PlayRequest(member="1", draw=draw.code, reference="r"), at=NOON
            )
        for code in ("nothing", "a\x00b"):
            with pytest.raises(NotFound):
                draws.play(
                    request=draws.PlayRequest(member=ada.number, draw=code, reference="r"), at=NOON
                )
        for reference in ("", " ", "r" * 101, None):
            with pytest.raises(InvalidInput):
                go(ada, draw, reference)  # type: ignore[arg-type]
        assert not DrawPlay.objects.exists()

    def test_the_monthly_cap_counts_goes_for_points(self, ada: Member, all_of_draws: Everything):
        programs.change(changes={"monthly_redemption_cap": 15})
        new_draw()
        go(ada, Draw.objects.get(), "r1")
        said = self.refused(all_of_draws, MonthlyCapReached, ada)
        assert said == {"limit": 15, "used": 10}
        give_ticket(ada)
        assert go(ada, Draw.objects.get(), "r2").points == 0
        assert go(ada, Draw.objects.get(), "r3", at=DECEMBER).points == 10

    @pytest.mark.parametrize(
        ("moment", "is_open"),
        [
            (MIDNIGHT - MICROSECOND, False),
            (MIDNIGHT, True),
            (MIDNIGHT + MICROSECOND, True),
            (DECEMBER - MICROSECOND, True),
            (DECEMBER, False),
            (DECEMBER + MICROSECOND, False),
        ],
    )
    def test_outside_its_window(self, ada: Member, moment: datetime, is_open: bool):
        draw = new_draw(starts_at=MIDNIGHT, ends_at=DECEMBER)
        if is_open:
            assert go(ada, draw, "r1", at=moment).number == 1
        else:
            with pytest.raises(DrawNotOpen):
                go(ada, draw, "r1", at=moment)
            assert not DrawPlay.objects.exists()


class TestLimits:
    @pytest.mark.parametrize(
        ("period", "opens"), [("day", MIDNIGHT), ("month", DECEMBER), ("ever", None)]
    )
    def test_hold_to_the_end_of_the_period(
        self, ada: Member, period: str, opens: datetime | None, all_of_draws: Everything
    ):
        draw = new_draw(per_member=2, per_member_period=period)
        for name in ("r1", "r2"):
            go(ada, draw, name)
        last = opens - MICROSECOND if opens else NOON + timedelta(days=4_000)
        before = all_of_draws()
        with pytest.raises(GoesUsedUp) as caught:
            go(ada, draw, "r3", at=last)
        assert caught.value.data == {"limit": 2, "used": 2}
        assert all_of_draws() == before
        if opens:
            assert go(ada, draw, "r3", at=opens).number == 3

    def test_hold_for_tickets_too(self, ada: Member):
        draw = new_draw(per_member=1)
        give_ticket(ada)
        go(ada, draw, "r1")
        ticket = give_ticket(ada, reference="second")
        with pytest.raises(GoesUsedUp):
            go(ada, draw, "r2")
        ticket.refresh_from_db()
        assert ticket.state == "active"

    def test_are_each_member_s_own(self, ada: Member, mallory: Member):
        draw = new_draw(per_member=1)
        go(ada, draw, "r1")
        give_ticket(mallory)
        assert go(mallory, draw, "r1").number == 2


class TestStock:
    def test_the_last_prize_closes_the_round(self, ada: Member, all_of_draws: Everything):
        draw = new_draw(prizes=[points("A", 5, stock=1), points("B", 7, stock=2)])
        for number in range(3):
            go(ada, draw, f"r{number}")

        round_ = DrawRound.objects.get()
        assert (round_.tickets, round_.closed_at) == (3, NOON)
        assert draw_checking.verify_round(round_).is_right
        before = all_of_draws()
        with pytest.raises(DrawOver) as caught:
            go(ada, draw, "r4")
        assert caught.value.data == {"left": 0}
        assert all_of_draws() == before

    def test_of_a_prize_is_kept_from_other_members(
        self, ada: Member, redeem: Redeem, mallory: Member
    ):
        mug = new_reward("mug", points=1, stock=3)
        draw = new_draw(prizes=[reward("mug", stock=2), reward("mug", stock=1)])
        with pytest.raises(OutOfStock):
            redeem(ada, mug, "one")
        made = [go(ada, draw, f"r{number}").redemption for number in range(3)]
        assert all(made)
        assert Reward.objects.get().stock == 0

    def test_that_a_reward_gets_while_the_round_is_open_breaks_no_promise(self, ada: Member):
        mug = new_reward("mug")
        draw = new_draw(prizes=[reward("mug", stock=2)])
        Reward.objects.filter(pk=mug.pk).update(stock=0)
        assert [bool(go(ada, draw, f"r{number}").redemption) for number in range(2)] == [
            True,
            True,
        ]
        mug.refresh_from_db()
        assert mug.stock == 0


class TestVerifyRound:
    def test_draws_all_tickets_again(self, ada: Member, mallory: Member):
        draw = new_draw(
            points=None,
            prizes=[points("A", 5, weight=3, stock=4), points("B", 7, weight=2, stock=3), NOTHING],
        )
        for number in range(30):
            member = (ada, mallory)[number % 2]
            give_ticket(member, reference=f"t{number}")
            go(member, draw, f"r{number}")
        round_ = draw_rounds.close_by_hand(draw=draw, at=NOON)

        assert round_ is not None
        found = draw_checking.verify_round(round_)
        assert (found.tickets, found.differences) == (30, [])
        told = draw_checking.published(round_)
        assert draw_recipe.seed_hash(bytes.fromhex(told["seed"])) == told["seed_sha256"]
        assert {each["member"] for each in told["plays"]} == {ada.number, mallory.number}
        assert not re.search("Ada|Mallory|1380000", str(told))

    def test_finds_what_was_changed_behind_its_back(self, ada: Member):
        draw = new_draw(prizes=[points("A", 5), NOTHING])
        played = go(ada, draw, "r1")
        round_ = draw_rounds.close_by_hand(draw=draw, at=NOON)
        assert round_ is not None
        other = DrawPrize.objects.exclude(pk=played.prize_id).get()
        DrawPlay.objects.update(prize=other)
        (difference,) = draw_checking.verify_round(round_).differences
        assert difference.startswith("ticket 1 draws ")
        DrawRound.objects.update(tickets=2)
        DrawPlay.objects.update(prize=played.prize_id)
        found = draw_checking.verify_round(DrawRound.objects.get(pk=round_.pk))
        assert found.differences == ["2 tickets were drawn, 1 published"]

    def test_tells_neither_seed_nor_tickets_of_an_open_round(self, ada: Member):
        go(ada, new_draw(), "r1")
        told = draw_checking.published(DrawRound.objects.get())
        assert (told["seed"], told["plays"], told["tickets"]) == (None, [], 1)
        assert DrawRound.objects.get().seed not in str(told)


class TestChances:
    def chance(self, member: Member, at: datetime = NOON) -> draw_queries.Chance:
        (found,) = draw_queries.chances_for(
            member=member,
            draws=Draw.objects.all(),
            figures=loyalty_queries.figures(member=member, at=at),
            at=at,
        )
        return found

    def test_say_tickets_goes_left_and_what_is_missing(self, ada: Member, bob: Member):
        draw = new_draw(per_member=3, points=40)
        give_ticket(bob)
        give_ticket(bob, draw, reference="own")
        go(bob, draw, "r1")
        theirs, mine = self.chance(bob), self.chance(ada)
        assert (theirs.tickets, theirs.goes_left, theirs.missing) == (1, 2, 40)
        assert (mine.tickets, mine.goes_left, mine.missing) == (0, 3, 0)
        assert theirs.can_go
        assert mine.can_go

    def test_say_who_can_not(self, bob: Member):
        draw = new_draw(points=None, tiers=[Tier.objects.order_by("-rank")[0].code])
        found = self.chance(bob)
        assert (found.eligible, found.missing, found.can_pay, found.can_go) == (
            False,
            None,
            False,
            False,
        )
        assert not draw_queries.is_for(draw, bob)
