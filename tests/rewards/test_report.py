"""The report on rewards: what was redeemed, what it cost, who bore it, and who may see that."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from members.models import Member, Store
from rewards import drafts, fulfilment, giving, redemption, report_queries, vouchers
from rewards.fulfilment import Parcel
from rewards.giving import Gift
from rewards.models import Redemption
from rewards.redemption import RedemptionRequest
from rewards.report_queries import Asked, Line
from tests.conftest import NOON
from tests.console import desk
from tests.rewards.conftest import new_reward

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 21)
REPORT = "/console/rewards/rewardreport/"
PERIOD = {"first": "2026-11-20", "last": "2026-11-21"}


def asked(**changes: object) -> Asked:
    said = {"first": TODAY, "last": TODAY, "zone": SHANGHAI, **changes}
    return Asked(**said)  # type: ignore[arg-type]


def redeem(member: Member, reward: str, reference: str, **said: object) -> Redemption:
    at = said.pop("at", NOON)
    request = RedemptionRequest(
        member=member.number,
        reward=reward,
        reference=reference,
        **said,  # type: ignore[arg-type]
    )
    return redemption.redeem(request=request, at=at).redemption  # type: ignore[arg-type]


def use(made: Redemption, at=NOON) -> None:
    code = made.vouchers.order_by("id")[0].code
    vouchers.use(code=code, store=None, reference="", used_by="clerk", at=at)


@pytest.fixture
def shop(ada: Member, store: Store) -> None:
    """Ada, with 1,000 points: three cakes of which one was used and one cancelled, a film, a draft, a gift."""
    new_reward("cake", points=100, cost="2.50", partner="面包房", partner_share="0.3333")
    new_reward("film", points=200)
    new_reward("tea", points=10)
    use(redeem(ada, "cake", "1", quantity=2))
    redemption.cancel(number=redeem(ada, "cake", "2").number, at=NOON)
    redeem(ada, "film", "3", at=NOON - timedelta(days=1))
    gift = Gift(member=ada.pk, reward="cake", pieces=1, reference="gift")
    giving.give(gift=gift, at=NOON)
    for number, reward in (("4", "film"), ("5", "cake")):
        request = RedemptionRequest(member=ada.number, reward=reward, reference=number)
        made = drafts.reserve(request=request, at=NOON).redemption
        if reward == "cake":
            drafts.issue(number=made.number, at=NOON)


class TestByReward:
    def test_sums_what_was_redeemed_and_what_it_cost(self, shop: None) -> None:
        found = {each.code: each.line for each in report_queries.by_reward(asked())}

        cake = found["cake"]
        assert (cake.redemptions, cake.pieces, cake.points) == (2, 3, 300)
        assert (cake.cost, cake.given_cost, cake.whole_cost) == (
            Decimal("7.50"),
            Decimal("2.50"),
            Decimal("10.00"),
        )
        assert (cake.partners, cake.own_cost) == (Decimal("3.33"), Decimal("6.67"))
        assert cake.cost_per_point == Decimal("0.025")
        assert (cake.given, cake.cancelled, cake.standing, cake.used) == (1, 1, 4, 1)
        assert cake.used_rate == Decimal("0.25")

    def test_says_nothing_where_there_is_no_data(self, shop: None) -> None:
        found = {each.code: each.line for each in report_queries.by_reward(asked())}

        assert found["film"] == found["tea"] == Line()
        assert found["tea"].whole_cost is found["tea"].cost_per_point is None
        assert found["tea"].used_rate is found["tea"].own_cost is None

    def test_begins_and_ends_with_the_programs_days(self, ada: Member) -> None:
        new_reward("tea", points=10)
        midnight = NOON.astimezone(SHANGHAI).replace(hour=0)
        instant = timedelta(microseconds=1)
        for number, at in enumerate((midnight - instant, midnight, midnight + timedelta(days=1))):
            redeem(ada, "tea", f"{number}", at=at)

        assert report_queries.by_reward(asked())[0].line.pieces == 1
        assert [(each.day, each.points) for each in report_queries.by_day(asked())] == [
            (TODAY, 10)
        ]

    def test_counts_what_is_handed_over_as_used(self, ada: Member) -> None:
        new_reward("mug", points=10, kind="gift", delivery="pick_up")
        made = redeem(ada, "mug", "1")
        fulfilment.fulfil(number=made.number, parcel=Parcel(), by="clerk", at=NOON)

        assert report_queries.by_reward(asked())[0].line.used_rate == 1

    def test_is_of_one_reward_when_asked(self, shop: None) -> None:
        assert [each.code for each in report_queries.by_reward(asked(reward="cake"))] == ["cake"]
        assert [each.points for each in report_queries.by_day(asked(reward="film"))] == []

    def test_stands_by_popularity(self, shop: None) -> None:
        both = asked(first=TODAY - timedelta(days=1))

        assert [each.code for each in report_queries.by_reward(both)] == ["cake", "film", "tea"]
        assert [each.points for each in report_queries.by_day(both)] == [200, 300]


class TestTogether:
    def test_adds_up_and_leaves_unknown_what_nobody_said(self) -> None:
        one, other = Line(points=5, cost=Decimal(1), costed_points=5), Line(points=7)

        both = report_queries.together([one, other])

        assert (both.points, both.cost, both.costed_points) == (12, Decimal(1), 5)
        assert report_queries.together([other, other]).cost is None
        assert report_queries.together([]) == Line()


class TestPage:
    def test_shows_rewards_partners_and_bars(self, shop: None) -> None:
        page = desk("manager").get(REPORT, PERIOD, headers={"Accept-Language": "en"})

        shown = page.content.decode()
        assert page.status_code == 200
        assert [bar.points for bar in page.context["page"].bars] == [200, 300]
        assert page.context["page"].partners[0]["name"] == "面包房"
        assert "¥0.0250" in shown
        assert "reward__id__exact" in shown

    def test_is_asked_in_as_many_statements_whatever_there_is(self, shop: None) -> None:
        manager = desk("manager")
        counts = []
        for rewards in (0, 5):
            for number in range(rewards):
                new_reward(f"more-{number}", points=10)
            with CaptureQueriesContext(
                connection,
            ) as asked_now:
                manager.get(REPORT, PERIOD)
            counts.append(len(asked_now))
        assert counts[0] == counts[1]

    def test_gives_the_table_as_files(self, shop: None) -> None:
        manager = desk("manager")

        table = manager.get(REPORT, {**PERIOD, "format": "csv"})
        rows = list(csv.reader(io.StringIO(table.content.decode().lstrip("\ufeff"))))
        assert rows[1][:2] == ["cake", "CAKE"]
        assert rows[1][4:] == ["2", "3", "300", "0.00", "10.00", "3.33", "6.67", "0.0250", "1", "1", "0.2500", "0"]  # fmt: skip
        assert rows[-1][6] == "500"
        data = manager.get(REPORT, {**PERIOD, "format": "json"}).json()
        assert data["total"]["points"] == 500
        assert [day["points"] for day in data["days"]] == [200, 300]

    @pytest.mark.parametrize(
        "said",
        [{"first": "x", "last": "9999-12-31"}, {"first": "2027-01-01", "last": "1999-01-01"}],
    )
    def test_takes_any_period(self, shop: None, said: dict[str, str]) -> None:
        assert desk("owner").get(REPORT, said).status_code == 200

    def test_leads_from_a_reward_to_its_report(self, shop: None) -> None:
        cake = report_queries.by_reward(asked())[0]

        answer = desk("manager").get(f"{REPORT}{cake.id}/change/")

        assert answer["Location"] == f"{REPORT}?reward=cake"

    def test_is_not_for_clerks(self, shop: None) -> None:
        clerk = desk("clerk")

        assert clerk.get(REPORT).status_code == 403
        assert REPORT not in clerk.get("/console/rewards/reward/").content.decode()
