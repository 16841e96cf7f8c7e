"""Every preset with its basket: a shop set up by `load_preset`, a new member, exact points."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import translation

from campaigns import acts, checkins, preset_files, presets
from campaigns.acts import ActFacts
from campaigns.models import Campaign
from loyalty import awarding, order_steps, ordering, queries
from loyalty.awarding import Award
from loyalty.order_facts import Line, OrderFacts
from members import enrolment, ladders
from members import queries as member_queries
from members.enrolment import Newcomer
from members.ladders import TiersInUse
from members.models import Member, Tier
from rewards import project_queries, stock
from rewards.models import DonationProject, DrawRound, Redemption, Reward, Variant, Voucher
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean
from tests.tills import Till

EVENING = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)  # 20:30 in Shanghai


@pytest.fixture
def friend(db: None) -> Member:
    """A member who brought the other."""
    return _enrol("+8613900000001")


def _enrol(phone: str, referral_code: str | None = None) -> Member:
    newcomer = Newcomer(phone=phone, referral_code=referral_code)
    return enrolment.enrol(newcomer=newcomer, at=NOON - timedelta(days=2))


def load(name: str) -> None:
    call_command("load_preset", name)
    # The preset's windows begin now; the tests' day may be another one.
    Campaign.objects.update(starts_at=None, ends_at=None)


def active(member: Member, at: datetime = NOON) -> int:
    return queries.figures(member=member, at=at).active


def status(member: Member, points: int) -> None:
    """Bring a member to a tier by money: an order long enough ago."""
    buy("before", f"{points}.00", member=member, placed_at=NOON - timedelta(days=1))


def buy(number: str, *amounts: str, member: Member, **more: Any) -> Any:
    lines = more.pop("lines", None) or tuple(
        Line(sku=f"S{n}", amount=Decimal(amount)) for n, amount in enumerate(amounts)
    )
    facts = OrderFacts(
        **{
            "number": number,
            "member": member.number,
            "placed_at": NOON,
            "lines": lines,
            **more,
        }
    )
    order = ordering.place(order=facts, at=max(NOON, facts.placed_at)).order
    assert order is not None
    return order


def give(member: Member, points: int) -> None:
    """Points to begin with."""
    start = Award(member=member.pk, points=points, reference="start", at=NOON)
    awarding.award_all(awards=[start], at=NOON)


def redeem(member: Member, reward: str, **said: Any) -> Any:
    """Redeem over the API."""
    body = {"member": member.number, "reward": reward, "reference": reward, **said}
    answer = Till("spend").post("redemptions", body)
    assert answer.status_code == 201
    return answer.json()


def do(member: Member, kind: str, reference: str, **data: Any) -> int:
    said = ActFacts(
        member=member.number, type=kind, reference=reference, at=NOON, data=data, client={}
    )
    return acts.record(act=said, now=NOON).act.points


class TestSmallShop:
    def test_seven_days_and_an_order_of_88_50_give_208(self, bob: Member) -> None:
        load("small_shop")

        for day in range(7):
            at = NOON - timedelta(days=6 - day)
            checkins.sign_in(member=bob.number, at=at, now=NOON)
        assert active(bob) == 120
        buy("1", "88.50", member=bob)

        assert active(bob) == 208
        assert_clean()


class TestFreshFoodApp:
    def test_gold_first_app_order_is_720_and_a_second_one_360(self, bob: Member) -> None:
        load("fresh_food_app")
        gold = Tier.objects.get(code="gold")
        Member.objects.filter(pk=bob.pk).update(tier=gold)
        member_queries.tier_changes(bob).update(tier=gold)
        lines = (Line(sku="A", amount=Decimal(100), tags=("new",)),)

        points = [
            buy(n, member=bob, placed_at=EVENING, channel="app", lines=lines).points
            for n in ("1", "2")
        ]

        assert points == [720, 360]


class TestFourTierRetailer:
    def test_silver_gets_119_for_99_90(self, bob: Member) -> None:
        load("four_tier_retailer")
        status(bob, 5000)

        assert buy("1", "99.90", member=bob).points == 119
        assert Tier.objects.get(code="gold").retain_threshold == 10_000


class TestCoffeeStars:
    def test_gold_gets_72_for_two_named_drinks(self, bob: Member) -> None:
        load("coffee_stars")
        status(bob, 400)
        lines = tuple(Line(sku=f"D{n}", amount=Decimal(33), tags=("named",)) for n in range(2))

        assert buy("1", member=bob, lines=lines).points == 72
        assert [tier.code for tier in member_queries.tiers()] == ["silver", "jade", "gold"]

    def test_gold_gets_a_drink_for_fewer_stars(self, bob: Member) -> None:
        load("coffee_stars")
        status(bob, 400)

        made = redeem(bob, "handcrafted-drink")

        assert (made["points"], made["wallet"]["active"]) == (135, 265)


class TestAirline:
    def test_a_flight_and_three_nights_are_2780(self, bob: Member) -> None:
        load("airline")

        buy("1", "1280.00", member=bob)
        do(bob, "hotel_stay", "stay-1", nights=2)
        do(bob, "hotel_stay", "stay-2")

        assert active(bob) == 2780
        assert_clean()

    def test_an_award_seat_in_season_with_8_percent_left_is_15000(self, bob: Member) -> None:
        load("airline")
        give(bob, 15_000)
        till = Till("read")

        def price() -> int:
            seat = till.get("rewards/award-seat", member=bob.number).json()
            return int(seat["price"])

        with time_machine.travel(NOON, tick=False):
            assert price() == 10_000
        seat = Reward.objects.get(code="award-seat")
        stock.correct(row=seat, stock=8, by="owner", note="", at=NOON)
        # What the member was told stands for ten minutes.
        with time_machine.travel(NOON + timedelta(minutes=11), tick=False):
            assert price() == 15_000
            made = redeem(bob, "award-seat")

        assert (made["points"], made["wallet"]["active"]) == (15_000, 0)
        assert_clean()

    def test_an_award_seat_off_season_is_8000(self, bob: Member) -> None:
        load("airline")
        till = Till("read")

        with time_machine.travel(datetime(2027, 3, 10, 4, tzinfo=UTC), tick=False):
            assert till.get("rewards/award-seat", member=bob.number).json()["price"] == 8_000


class TestSegmentedBrand:
    def test_a_new_member_doubles_a_first_order_of_260(self, bob: Member) -> None:
        load("segmented_brand")

        assert buy("1", "260.00", member=bob).points == 520
        assert buy("2", "260.00", member=bob).points == 260

    def test_a_dormant_member_is_woken_once(self, bob: Member) -> None:
        load("segmented_brand")
        Member.objects.filter(pk=bob.pk).update(enrolled_at=NOON - timedelta(days=300))
        buy("1", "10001.00", member=bob, placed_at=NOON - timedelta(days=91))

        # Silver by now: × 1.2.
        assert [buy(n, "10.00", member=bob).points for n in ("2", "3")] == [212, 12]


class TestShareShop:
    def test_shares_and_friends(self, friend: Member) -> None:
        load("share_shop")
        brought = _enrol("+8613900000002", friend.referral_code)

        assert [do(friend, "share", f"s{n}") for n in range(4)] == [20, 20, 20, 0]
        buy("1", "49.99", member=brought)
        assert (active(friend), active(brought)) == (60, 49)
        buy("2", "50.00", member=brought)
        assert (active(friend), active(brought)) == (60, 99)
        later = NOON + timedelta(days=7)
        assert (active(friend, later), active(brought, later)) == (260, 199)
        assert_clean()


class TestTravelAgency:
    def test_a_booking_earns_when_it_is_completed(self, bob: Member) -> None:
        load("travel_agency")

        assert buy("1", "5999.00", member=bob).points == 0
        order = order_steps.advance(
            source="default", number="1", status="completed", at=NOON, now=NOON
        )

        assert order.points == 599

    def test_points_buy_travel_products(self, bob: Member) -> None:
        load("travel_agency")
        give(bob, 1_200)

        assert redeem(bob, "lounge")["points"] == 200  # there is an offer
        trip = redeem(bob, "city-walk", variant="first")
        assert (trip["points"], trip["wallet"]["active"]) == (800, 200)
        assert Variant.objects.get(code="first").stock == 9
        assert_clean()


class TestSnackBar:
    def test_50_and_100(self, bob: Member, mallory: Member) -> None:
        load("snack_bar")

        assert buy("1", "49.99", member=bob).points == 49
        assert buy("2", "50.00", member=bob).points == 150
        assert Voucher.objects.count() == 0
        assert buy("3", "100.00", member=mallory).points == 200
        assert Voucher.objects.get().member == mallory


class TestCoursePlatform:
    def test_each_course_once(self, bob: Member) -> None:
        load("course_platform")

        do(bob, "course_completed", "intro", level="basic")
        do(bob, "course_completed", "intro", level="basic")
        do(bob, "course_completed", "expert", level="advanced")

        assert active(bob) == 170


class TestActsAndDraws:
    def test_six_posts_and_an_event_are_120(self, bob: Member) -> None:
        load("acts_and_draws")

        for number in range(6):
            do(bob, "forum_post", f"p{number}")
        do(bob, "offline_event", "meeting")

        assert active(bob) == 120

    def test_one_draw_of_10_leaves_110(self, bob: Member) -> None:
        load("acts_and_draws")
        till = Till("read", "spend")
        for number in range(6):
            do(bob, "forum_post", f"p{number}")
        do(bob, "offline_event", "meeting")

        odds = [each["odds"] for each in till.get("draws/lucky-draw").json()["prizes"]]
        said = {"member": bob.number, "reference": "go"}
        played = till.post("draws/lucky-draw/plays", said)

        assert [Decimal(each) for each in odds] == [
            Decimal(weight) / 100 for weight in (1, 9, 20, 70)
        ]
        assert played.status_code == 201
        assert active(bob) == 110
        assert_clean()


class TestGrowingForest:
    def test_acts_worth_310_are_stage_3(self, bob: Member) -> None:
        load("growing_forest")

        for kind, reference in (
            ("volunteering", "v1"),
            ("recycling", "r1"),
            ("recycling", "r2"),
            ("walk", "w1"),
        ):
            do(bob, kind, reference)

        bob.refresh_from_db()
        assert queries.figures(member=bob, at=NOON).status_points == 310
        assert bob.tier.code == "stage-3"
        assert_clean()

    def test_a_grown_tree_plants_one(self, bob: Member) -> None:
        load("growing_forest")

        for number in range(4):
            do(bob, "volunteering", f"v{number}")
        assert not Redemption.objects.exists()
        do(bob, "volunteering", "v4")

        bob.refresh_from_db()
        assert bob.tier.code == "stage-5"
        planted = Redemption.objects.get()
        assert (planted.member, planted.state, planted.points) == (bob, "fulfilled", 0)
        forest = DonationProject.objects.get(code="forest")
        assert planted.reward.project == forest
        assert project_queries.totals([forest])[forest.pk].points == 1_000
        assert_clean()

    def test_points_are_given_to_the_forest(self, bob: Member) -> None:
        load("growing_forest")
        give(bob, 1_000)

        assert redeem(bob, "plant-a-tree")["state"] == "fulfilled"
        forest = DonationProject.objects.get()
        assert project_queries.totals([forest])[forest.pk].points == 1_000


class TestSupermarket:
    def test_keeps_its_settings(self, bob: Member) -> None:
        load("supermarket")

        program = queries.program()
        assert program.pay_with_points == {"max_share": "0.5", "min": 100, "step": 100}
        assert not program.earn_on_points_paid

    def test_pays_half_of_80_with_4000_points_earns_40_and_leaves_1040(self, bob: Member) -> None:
        load("supermarket")
        till = Till("read", "earn", "spend")
        give(bob, 5_000)
        basket = {
            "member": bob.number,
            "placed_at": NOON.isoformat(),
            "lines": [{"sku": "rice", "amount": "80.00"}],
        }

        def hold(points: int, reference: str) -> Any:
            said = {"member": bob.number, "points": points, "reference": reference}
            return till.post("holds", said)

        quote = till.post("orders/quote", basket).json()
        assert quote["pay_with_points"] == {
            "max_points": 4000,
            "max_amount": "40.00",
            "min": 100,
            "step": 100,
        }
        odd = hold(4050, "odd")
        assert (odd.status_code, odd.json()["code"]) == (422, "limit_reached")
        assert (odd.json()["min"], odd.json()["step"], odd.json()["limit"]) == (100, 100, 4000)
        too_much = hold(4100, "too-much").json()["id"]
        refused = till.post("orders", {**basket, "number": "1", "hold": too_much})
        assert (refused.status_code, refused.json()["code"]) == (422, "limit_reached")
        assert (refused.json()["limit"], refused.json()["used"]) == (4000, 4100)
        assert till.get(f"holds/{too_much}").json()["state"] == "held"
        till.post(f"holds/{too_much}/release")

        half = hold(4000, "half").json()["id"]
        order = till.post("orders", {**basket, "number": "1", "hold": half}).json()

        assert (order["points"], order["wallet"]["active"]) == (40, 1040)
        assert till.get(f"holds/{half}").json()["state"] == "captured"
        assert_clean()


class TestLoad:
    def test_there_are_thirteen_and_each_loads_twice_in_both_languages(self, db: None) -> None:
        assert len(preset_files.presets()) == 13
        for preset in preset_files.presets().values():
            for language in ("zh-hans", "en"):
                with translation.override(language):
                    presets.load(preset=preset, by="owner", at=NOON)
            running = Campaign.objects.filter(state="active").values_list("code", flat=True)
            assert set(running) == {each["code"] for each in preset.data["campaigns"]}
        assert_clean()

    def test_every_reward_says_what_it_is_and_how_it_is_used(self) -> None:
        for preset in preset_files.presets().values():
            for language in ("zh-hans", "en"):
                with translation.override(language):
                    words = preset.words()
                for each in words.get("rewards", []):
                    assert each["name"]
                    assert each["summary"]
                    assert each["category"]
                    assert each["terms"]
                    assert each["art"] in Reward.Art.values

    def test_again_leaves_stock_and_open_rounds_as_they_are(self, bob: Member) -> None:
        load("acts_and_draws")
        give(bob, 1_000)
        redeem(bob, "sticker-pack")
        left = Reward.objects.get(code="sticker-pack").stock
        load("acts_and_draws")

        assert Reward.objects.get(code="sticker-pack").stock == left == 499
        assert DrawRound.objects.count() == 1

    def test_leaves_alone_what_the_merchant_made_or_ended(self, db: None) -> None:
        preset = preset_files.preset("snack_bar")
        presets.load(preset=preset, by="owner", at=NOON)
        Campaign.objects.filter(code="fifty-gets-hundred").update(state="ended")
        Campaign.objects.filter(code="hundred-gets-coupon").update(created_by="owner", name="mine")

        presets.load(preset=preset, by="owner", at=NOON)

        assert Campaign.objects.get(code="fifty-gets-hundred").state == "ended"
        assert Campaign.objects.get(code="fifty-gets-hundred-2").state == "active"
        assert Campaign.objects.get(code="hundred-gets-coupon").name == "mine"
        assert Campaign.objects.get(code="hundred-gets-coupon-2").state == "active"

    def test_refuses_to_take_tiers_from_members_and_changes_nothing(self, bob: Member) -> None:
        status(bob, 50_000)

        with pytest.raises(TiersInUse):
            presets.load(preset=preset_files.preset("coffee_stars"), by="owner", at=NOON)

        assert Tier.objects.count() == 4
        assert not Campaign.objects.exists()

    def test_members_keep_their_place_on_the_ladder(self, bob: Member) -> None:
        ladders.replace(
            ladder=[
                {"code": "seed", "name": "Seed", "threshold": 0},
                {"code": "tree", "name": "Tree", "threshold": 10},
            ]
        )

        bob.refresh_from_db()
        assert bob.tier.code == "seed"

    def test_awards_follow_the_program(self, bob: Member) -> None:
        load("airline")
        awarding.award_all(
            awards=[Award(member=bob.pk, points=1, reference="x", at=NOON)], at=NOON
        )

        assert active(bob) == 1
