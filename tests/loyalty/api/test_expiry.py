"""When points lapse, as a till sees it: to the microsecond, under every policy and in any zone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty import switching
from loyalty.models import Program
from members.models import Member
from tests.loyalty.builders import assert_clean, credit, post, program, wallet_of
from tests.tills import Till

MICROSECOND = timedelta(microseconds=1)
SHANGHAI = "Asia/Shanghai"


def local(text: str, zone: str = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def buy(till: Till, member: Member, number: str, placed_at: datetime) -> Any:
    body = {
        "number": number,
        "member": member.number,
        "placed_at": placed_at.isoformat(),
        "lines": [{"sku": "A", "amount": "100.00"}],
    }
    return till.post("orders", body).json()


def wallet(till: Till, member: Member) -> Any:
    return till.get(f"members/{member.number}/wallet").json()


def lapses(till: Till, member: Member) -> list[datetime]:
    """The business times of the expiry entries."""
    entries = till.get(f"members/{member.number}/entries", kind="expire").json()["results"]
    return [datetime.fromisoformat(entry["at"]) for entry in entries]


def assert_lapses_at(till: Till, member: Member, end: datetime, clock: Any) -> None:
    """100 points are there to the last microsecond, whether or not somebody settles them in time."""
    seen = []
    for moment in (end - MICROSECOND, end, end + MICROSECOND):
        clock.move_to(moment, tick=False)
        shown = wallet(till, member)
        seen.append((shown["active"], shown["expired"]))
    assert seen == [(100, 0), (0, 100), (0, 100)]
    clock.move_to(end + timedelta(days=77), tick=False)
    adjustment = {"points": 1, "reason": "goodwill", "reference": "touch"}
    till.post("adjustments", {"member": member.number, **adjustment})
    assert lapses(till, member) == [end]
    assert_clean()


class TestEveryPolicy:
    @pytest.mark.parametrize(
        ("setting", "placed_at", "end"),
        [
            # the program's midnight
            ({"policy": "rolling", "months": 1}, "2026-11-21T23:59:59.999999", "2026-12-22"),
            ({"policy": "rolling", "months": 1}, "2026-11-22T00:00", "2026-12-23"),
            # month ends and 29 February
            ({"policy": "rolling", "months": 1}, "2026-01-31T12:00", "2026-03-01"),
            ({"policy": "rolling", "months": 1}, "2028-01-31T12:00", "2028-03-01"),
            ({"policy": "rolling", "months": 12}, "2028-02-29T12:00", "2029-03-01"),
            ({"policy": "rolling", "months": 24}, "2026-12-31T23:00", "2029-01-01"),
            ({"policy": "month_end", "months": 1}, "2026-01-31T23:59:59", "2026-03-01"),
            ({"policy": "month_end", "months": 1}, "2026-02-01T00:00", "2026-04-01"),
            ({"policy": "month_end", "months": 13}, "2027-01-31T12:00", "2028-03-01"),
            # year ends
            (
                {"policy": "fixed_date", "date": "12-31"},
                "2026-12-31T23:59:59.999999",
                "2027-01-01",
            ),
            ({"policy": "fixed_date", "date": "12-31"}, "2027-01-01T00:00", "2028-01-01"),
            ({"policy": "fixed_date", "date": "02-29"}, "2027-03-01T00:00", "2028-03-01"),
            ({"policy": "fixed_date", "date": "02-29"}, "2028-02-29T23:59", "2028-03-01"),
            ({"policy": "inactivity", "months": 1}, "2026-01-31T12:00", "2026-03-01"),
            ({"policy": "inactivity", "months": 6}, "2026-08-31T23:59:59.999999", "2027-03-01"),
        ],
    )
    def test_lapses_with_the_local_day(
        self,
        till: Till,
        bob: Member,
        time_machine: Any,
        setting: dict[str, Any],
        placed_at: str,
        end: str,
    ) -> None:
        time_machine.move_to(local(placed_at), tick=False)
        till.patch("program", {"expiry": setting})

        order = buy(till, bob, "1", local(placed_at))

        assert datetime.fromisoformat(order["expires_at"]) == local(f"{end}T00:00")
        assert_lapses_at(till, bob, local(f"{end}T00:00"), time_machine)

    @pytest.mark.parametrize(
        ("zone", "placed_at", "end"),
        [
            ("America/New_York", "2026-10-15T23:59:59", "2026-11-16T05:00:00"),
            ("America/New_York", "2026-02-14T12:00", "2026-03-15T04:00:00"),
            ("Pacific/Auckland", "2026-11-21T12:00", "2026-12-21T11:00:00"),
            # The day after begins at 01:00: its midnight does not exist.
            ("America/Sao_Paulo", "2018-10-03T12:00", "2018-11-04T03:00:00"),
            ("Asia/Beirut", "2026-02-28T12:00", "2026-03-28T22:00:00"),
            # Here it comes twice, and the first one counts.
            ("America/Havana", "2026-09-30T12:00", "2026-10-31T04:00:00"),
            ("America/Havana", "2026-10-01T12:00", "2026-11-02T05:00:00"),
        ],
    )
    def test_days_are_those_of_the_programs_zone(
        self, till: Till, bob: Member, time_machine: Any, zone: str, placed_at: str, end: str
    ) -> None:
        time_machine.move_to(local(placed_at, zone), tick=False)
        program(expiry_months=1, time_zone=zone)
        buy(till, bob, "1", local(placed_at, zone))

        assert_lapses_at(till, bob, datetime.fromisoformat(end).replace(tzinfo=UTC), time_machine)

    def test_never_is_never(self, till: Till, bob: Member, time_machine: Any) -> None:
        time_machine.move_to(local("2026-11-21T12:00"), tick=False)
        till.patch("program", {"expiry": {"policy": "never"}})
        buy(till, bob, "1", local("2026-11-21T12:00"))

        time_machine.move_to(local("2126-11-21T12:00"), tick=False)

        shown = wallet(till, bob)
        assert (shown["active"], shown["next_expiry"]) == (100, None)

    def test_validity_starts_at_activation(
        self, till: Till, bob: Member, time_machine: Any
    ) -> None:
        time_machine.move_to(local("2026-11-21T12:00"), tick=False)
        setting = {"policy": "fixed_date", "date": "11-30"}
        till.patch("program", {"expiry": setting, "pending_days": 10})

        order = buy(till, bob, "1", local("2026-11-21T12:00"))

        assert datetime.fromisoformat(order["active_from"]) == local("2026-12-01T12:00")
        assert datetime.fromisoformat(order["expires_at"]) == local("2027-12-01T00:00")

    def test_an_adjustment_lapses_exactly_when_it_says(
        self, till: Till, bob: Member, time_machine: Any
    ) -> None:
        time_machine.move_to(local("2026-11-21T12:00"), tick=False)
        till.post(
            "adjustments",
            {
                "member": bob.number,
                "points": 100,
                "reason": "goodwill",
                "reference": "a",
                "expires_at": "2026-11-21T12:00:00.000001+08:00",
            },
        )
        end = local("2026-11-21T12:00:00.000001")
        seen = []
        for moment in (end - MICROSECOND, end, end + MICROSECOND):
            time_machine.move_to(moment, tick=False)
            seen.append(wallet(till, bob)["active"])

        assert seen == [100, 0, 0]

    def test_old_orders_follow_the_setting_of_now_and_may_lapse_at_once(
        self, till: Till, bob: Member, time_machine: Any
    ) -> None:
        time_machine.move_to(local("2026-11-21T12:00"), tick=False)
        till.patch("program", {"expiry": {"policy": "rolling", "months": 6}})

        buy(till, bob, "old", local("2026-05-20T12:00"))
        buy(till, bob, "last day", local("2026-05-21T00:00"))

        shown = wallet(till, bob)
        assert (shown["active"], shown["earned"], shown["expired"]) == (100, 200, 100)
        assert lapses(till, bob) == [local("2026-11-21T00:00")]
        assert shown["next_expiry"]["points"] == 100

    def test_another_zone_leaves_lots_alone_and_new_ones_follow_it(
        self, till: Till, bob: Member, time_machine: Any
    ) -> None:
        time_machine.move_to(local("2026-11-21T12:00"), tick=False)
        till.patch("program", {"expiry": {"policy": "rolling", "months": 1}})
        buy(till, bob, "1", local("2026-11-21T11:00"))

        till.patch("program", {"time_zone": "America/New_York"})
        buy(till, bob, "2", local("2026-11-21T11:00"))

        lots = till.get(f"members/{bob.number}/lots").json()["results"]
        assert [datetime.fromisoformat(lot["expires_at"]) for lot in lots] == [
            local("2026-12-21T00:00", "America/New_York"),
            local("2026-12-22T00:00"),
        ]


class TestInactivity:
    def test_a_till_sees_lots_move_and_lapse(
        self, till: Till, bob: Member, time_machine: Any
    ) -> None:
        time_machine.move_to(local("2026-11-21T12:00"), tick=False)
        setting = {"policy": "inactivity", "months": 6}
        assert till.patch("program", {"expiry": setting}).json()["expiry"] == setting
        buy(till, bob, "1", local("2026-10-30T12:00"))
        buy(till, bob, "2", local("2026-11-21T11:00"))
        end = local("2027-05-22T00:00")

        lots = till.get(f"members/{bob.number}/lots").json()["results"]
        assert {datetime.fromisoformat(lot["expires_at"]) for lot in lots} == {end}
        for moment, active in [(end - MICROSECOND, 200), (end, 0)]:
            time_machine.move_to(moment, tick=False)
            shown = wallet(till, bob)
            assert (shown["active"], shown["expired"]) == (active, 200 - active)

    @pytest.mark.parametrize("months", [0, 1201, "6"])
    def test_months_are_whole_and_within_a_century(self, till: Till, months: Any) -> None:
        response = till.patch("program", {"expiry": {"policy": "inactivity", "months": months}})

        assert response.status_code == 400
        assert Program.objects.get().expiry_policy == "rolling"


@pytest.fixture
def eternal(bob: Member) -> Member:
    """Bob with 100 points that never expire in a program without expiry."""
    program(expiry_policy="never")
    post(credit(wallet_of(bob), 100, "old"))
    return bob


class TestSwitchingOn:
    def test_says_how_many_lots_got_a_date_and_only_then(
        self, till: Till, eternal: Member, time_machine: Any
    ) -> None:
        time_machine.move_to(local("2026-11-21T12:00"), tick=False)
        assert "lots_dated" not in till.patch("program", {"pending_days": 1}).json()

        answer = till.patch("program", {"expiry": {"policy": "rolling", "months": 6}}).json()

        assert answer["lots_dated"] == 1
        assert {**till.get("program").json(), "lots_dated": 1} == answer
        lots = till.get(f"members/{eternal.number}/lots").json()["results"]
        assert datetime.fromisoformat(lots[0]["expires_at"]) == local("2027-05-22T00:00")
        again = till.patch("program", {"expiry": {"policy": "rolling", "months": 7}}).json()
        assert "lots_dated" not in again

    def test_says_null_when_they_are_many(
        self, till: Till, eternal: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(switching, "AT_ONCE", 0)

        answer = till.patch("program", {"expiry": {"policy": "rolling"}}).json()

        assert answer["lots_dated"] is None

    def test_lapses_one_full_period_later(
        self, till: Till, eternal: Member, time_machine: Any
    ) -> None:
        time_machine.move_to(local("2026-11-21T12:00"), tick=False)
        till.patch("program", {"expiry": {"policy": "fixed_date", "date": "12-31"}})

        assert_lapses_at(till, eternal, local("2028-01-01T00:00"), time_machine)
