"""Donation projects: made and changed, given to as long as they are open, and what they raised."""

import threading
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty import donations, merging, queries
from loyalty.donations import Donated, DonationRequest
from loyalty.ledger import statements
from loyalty.models import Donation, Entry
from loyalty.wording import entry_title
from members.errors import InvalidInput, NotFound
from members.models import Member
from rewards import catalogue, project_queries, projects, redemption
from rewards.errors import NotOnSale
from rewards.models import DonationProject, Redemption
from rewards.project_queries import Given, Totals
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, books, credit, post, wallet_of
from tests.loyalty.test_races import LOCKING, enrol, outcomes
from tests.rewards.builders import wait_after

HOUR = timedelta(hours=1)


def project(code: str = "forest", **changes: Any) -> DonationProject:
    return projects.create(changes={"code": code, "name": code.title(), **changes})


def donate(member: Member, points: int = 300, *, code: str = "forest", **more: Any) -> Donated:
    said = {"reference": "d1", "at": NOON, **more}
    request = DonationRequest(
        member=member.number, points=points, project=code, reference=said["reference"]
    )
    return donations.donate(request=request, at=said["at"])


def redeem(member: Member, quantity: int = 1) -> Redemption:
    asked = redemption.RedemptionRequest(
        member=member.number, reward="tree", quantity=quantity, reference="r"
    )
    return redemption.redeem(request=asked, at=NOON).redemption


def totals(found: DonationProject) -> Totals:
    return project_queries.totals([found])[found.pk]


class TestCreate:
    def test_writes_what_was_said(self, db: None):
        made = project(summary="One line", goal_points=10_000, art="cup", active=False)
        found = DonationProject.objects.get()
        assert made == found
        assert (found.code, found.name, found.summary, found.story, found.art) == (
            "forest",
            "Forest",
            "One line",
            "",
            "cup",
        )
        assert (found.goal_points, found.active) == (10_000, False)

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"code": "a b"}, "/code", "invalid"),
            ({"name": " "}, "/name", "blank"),
            ({"goal_points": 0}, "/goal_points", "min_value"),
            ({"goal_points": "5"}, "/goal_points", "invalid"),
            ({"art": "elephant"}, "/art", "invalid_choice"),
            ({"starts_at": NOON, "ends_at": NOON}, "/ends_at", "invalid"),
            ({"raised": 5}, "/raised", "unknown_field"),
        ],
    )
    def test_refuses_what_cannot_be_meant(
        self, db: None, changes: dict[str, Any], pointer: str, code: str
    ):
        with pytest.raises(InvalidInput) as caught:
            project(**changes)
        assert (caught.value.pointer, caught.value.code) == (pointer, code)
        assert not DonationProject.objects.exists()

    def test_refuses_a_code_that_is_taken(self, db: None):
        project()
        with pytest.raises(InvalidInput) as caught:
            project(name="Other")
        assert (caught.value.pointer, caught.value.code) == ("/code", "taken")
        assert DonationProject.objects.get().name == "Forest"


class TestChange:
    def test_changes_what_was_said_and_nothing_else(self, db: None):
        made = project(goal_points=10)
        changed = projects.change(project=made, changes={"goal_points": None, "story": "x"})
        found = DonationProject.objects.get()
        assert changed == found
        assert (found.goal_points, found.story, found.name) == (None, "x", "Forest")

    @pytest.mark.parametrize("changes", [{"code": "sea"}, {"ends_at": NOON - HOUR}])
    def test_keeps_code_and_order_of_time(self, db: None, changes: dict[str, Any]):
        made = project(starts_at=NOON)
        with pytest.raises(InvalidInput):
            projects.change(project=made, changes=changes)
        assert DonationProject.objects.values("code", "ends_at").get() == {
            "code": "forest",
            "ends_at": None,
        }


class TestDonate:
    def test_says_the_projects_name_in_the_history(self, ada: Member):
        project()
        donate(ada)
        entry = Entry.objects.get(kind="donate")
        assert entry.details == {"project": "forest", "name": "Forest"}
        assert entry_title(entry) == "捐赠给“Forest”"
        assert_clean()

    def test_takes_any_other_name(self, ada: Member):
        project()
        assert donate(ada, code="Forest").is_new
        assert totals(DonationProject.objects.get()) == Totals(0, 0)

    @pytest.mark.parametrize(
        ("changes", "at", "is_open"),
        [
            ({"active": False}, NOON, False),
            ({"starts_at": NOON}, NOON - timedelta(microseconds=1), False),
            ({"starts_at": NOON}, NOON, True),
            ({"ends_at": NOON}, NOON - timedelta(microseconds=1), True),
            ({"ends_at": NOON}, NOON, False),
        ],
    )
    def test_is_refused_by_a_project_that_is_not_open(
        self, ada: Member, changes: dict[str, Any], at: datetime, is_open: bool
    ):
        post(credit(wallet_of(ada), 1, "early", at=NOON - HOUR, active_from=NOON - HOUR))
        made = project(**changes)
        assert project_queries.is_open(made, at) == is_open
        if is_open:
            assert donate(ada, 1, at=at).is_new
            return
        before = books()
        with pytest.raises(NotOnSale) as caught:
            donate(ada, 1, at=at)
        assert caught.value.code == "not_on_sale"
        assert str(caught.value) == "这个项目现在不接受捐赠，没有扣除积分。"
        assert (books(), Donation.objects.count()) == (before, 0)

    def test_again_answers_after_the_end_as_well(self, ada: Member):
        made = project()
        first = donate(ada)
        projects.change(project=made, changes={"active": False})
        again = donate(ada)
        assert (again.is_new, again.donation) == (False, first.donation)


class TestRace:
    @pytest.fixture
    def member(self, committed_db: Any) -> Member:
        project()
        member = enrol()[0]
        post(credit(wallet_of(member), 1_000, "in"))
        return member

    @pytest.fixture
    def unlocked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The wallet is read without a lock, and all 20 have looked for the reference before anybody writes it."""
        statement = statements.LOCK_BY_MEMBER
        assert LOCKING in statement
        monkeypatch.setattr(statements, "LOCK_BY_MEMBER", statement.replace(LOCKING, ""))
        wait_after(monkeypatch, donations, "_known", threading.Barrier(20))

    def test_20_times_at_once_takes_the_points_once(self, committed_db: Any, member: Member):
        results = committed_db.run_parallel(lambda _: donate(member), 20)
        made = DonationProject.objects.get()
        assert outcomes(results) == {"Donated": 20}
        assert sum(each.is_new for each in results) == 1
        assert totals(made) == Totals(300, 1)
        assert queries.figures(member=member, at=NOON).active == 700
        assert_clean()

    def test_without_the_lock_19_meet_the_keys_of_the_ledger(
        self, committed_db: Any, member: Member, unlocked: None
    ):
        results = committed_db.run_parallel(lambda _: donate(member), 20)
        assert outcomes(results) == {"Donated": 1, "IntegrityError": 19}
        assert Donation.objects.count() == 1

    def test_without_lock_and_keys_more_is_given_than_there_was(
        self, committed_db: Any, member: Member, unlocked: None
    ):
        keys = ("entry_once_per_reference", "entry_sequence")
        with (
            committed_db.without("loyalty_entry", *keys),
            committed_db.without("loyalty_donation", "donation_once_per_reference"),
        ):
            results = committed_db.run_parallel(lambda _: donate(member), 20)
            assert outcomes(results) == {"Donated": 20}
            assert totals(DonationProject.objects.get()) == Totals(6_000, 1)


class TestRedeem:
    def test_a_donation_reward_of_a_project_that_is_over_takes_nothing(self, ada: Member):
        made = project()
        tree = {"code": "tree", "name": "Tree", "kind": "donation", "points": 100}
        catalogue.create(changes={**tree, "project": "forest"}, at=NOON)
        projects.change(project=made, changes={"ends_at": NOON})
        before = books()
        with pytest.raises(NotOnSale):
            redeem(ada)
        assert (books(), Redemption.objects.count()) == (before, 0)


class TestTotals:
    def test_adds_donations_and_donation_rewards(self, ada: Member, bob: Member):
        forest, sea = project(), project("sea")
        post(credit(wallet_of(bob), 500, "in"))
        tree = {"code": "tree", "name": "Tree", "kind": "donation", "points": 100}
        catalogue.create(changes={**tree, "project": "forest"}, at=NOON)
        donate(ada)
        donate(ada, 50, reference="d2")
        donate(bob, 20)
        donate(bob, 1, code="elsewhere", reference="d2")
        redeemed = redeem(bob, 2)
        assert project_queries.totals([forest, sea]) == {
            forest.pk: Totals(570, 2),
            sea.pk: Totals(0, 0),
        }
        assert redeemed.points == 200

    def test_of_many_is_one_query(self, ada: Member, django_assert_num_queries: Any):
        found = [project(f"p{number}") for number in range(5)]
        with django_assert_num_queries(1):
            project_queries.totals(found)

    @pytest.mark.parametrize(
        ("goal", "share"),
        [(None, None), (900, "0.3333"), (300, "1.0000"), (200, "1.5000"), (10**9, "0.0000")],
    )
    def test_say_their_share_of_the_goal(self, goal: int | None, share: str | None):
        assert Totals(300, 1).share_of(goal) == (Decimal(share) if share else None)

    def test_a_merged_donor_is_one_donor(self, ada: Member, bob: Member):
        made = project()
        post(credit(wallet_of(bob), 500, "in"))
        donate(ada)
        donate(bob)
        merging.merge(source=bob.number, into=ada.number, by="owner", at=NOON)
        assert totals(made) == Totals(600, 1)

    def test_by_day_of_the_program(self, ada: Member):
        made = project()
        for number, hours in enumerate((0, 11, 12, 30)):
            donate(ada, 10, reference=str(number), at=NOON + HOUR * hours)
        shanghai = ZoneInfo("Asia/Shanghai")
        assert project_queries.points_by_day(project=made, since=NOON, zone=shanghai) == [
            (date(2026, 11, 21), 20),
            (date(2026, 11, 22), 20),
        ]
        later = NOON + HOUR * 20
        assert project_queries.points_by_day(project=made, since=later, zone=shanghai) == [
            (date(2026, 11, 22), 10)
        ]


class TestGivenBy:
    def test_is_the_members_own_the_latest_first(self, ada: Member, mallory: Member):
        project()
        project("sea")
        post(credit(wallet_of(mallory), 500, "in"))
        donate(mallory)
        donate(ada)
        donate(ada, 10, code="sea", reference="d2", at=NOON + HOUR)
        donate(ada, 10, code="elsewhere", reference="d3", at=NOON + HOUR)
        own = [Given("sea", "Sea", 10, NOON + HOUR), Given("forest", "Forest", 300, NOON)]
        assert project_queries.given_by(member=ada, most=9) == own
        assert project_queries.given_by(member=ada, most=1) == own[:1]


def test_finds_projects_by_code(db: None):
    made = project()
    assert project_queries.project("forest") == made
    for code in ("sea", "\0"):
        with pytest.raises(NotFound):
            project_queries.project(code)
