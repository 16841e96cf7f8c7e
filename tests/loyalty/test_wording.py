from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation
from django.utils.translation import gettext

from loyalty import wording
from loyalty.models import Entry


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"), timezone.override(ZoneInfo("Asia/Shanghai")):
        yield


def entry(kind: str, points: Any = 76, explanation: Any = (), **details: Any) -> Entry:
    return Entry(kind=kind, points=points, details=details, explanation=list(explanation))


ORDER = {"order": "1", "source": "default", "amount": "64.00"}
SILVER = [
    {"rule": "base", "kind": "base", "points": 64, "amount": "64", "rate": "1"},
    {"rule": "tier", "kind": "tier", "points": 12, "title": "银卡", "factor": "1.2"},
]


class TestEntryTitle:
    @pytest.mark.parametrize(
        ("said", "title"),
        [
            (entry("earn", **ORDER, store="静安寺店"), "¥64.00 spent at 静安寺店"),
            (entry("earn", **ORDER), "¥64.00 spent"),
            (entry("earn", title="Welcome"), "Welcome"),
            (entry("earn"), "Points awarded"),
            (entry("reverse", -76, **ORDER), "Taken back after a refund"),
            (entry("reverse", -76, **ORDER, cancelled=True), "Order cancelled"),
            (entry("return", **ORDER, cancelled=True), "Order cancelled"),
            (entry("redeem", -76, reward="奶油小蛋糕"), "Redeemed 奶油小蛋糕"),
            (entry("return", reward="奶油小蛋糕"), "Redemption of 奶油小蛋糕 cancelled"),
            (entry("redeem", -76, hold=7), "Paid with points"),
            (entry("redeem", -76, hold=7, order="default/A-1"), "Paid with points"),
            (entry("return", **ORDER), "Points back from a payment"),
            (entry("transfer_out", -76, to="王**", message=""), "Points given to 王**"),
            (entry("transfer_in", **{"from": "王**", "message": "Hi"}), "Points from 王**"),
            (entry("fee", -7, to="王**"), "Fee for giving points"),
            (entry("donate", -76, project="森林"), "Donated to 森林"),
            (entry("buy_back", -76, value="0.76"), "Points bought back"),
            (entry("expire", -76), "Points expired"),
            (entry("adjust", message="生日快乐"), "生日快乐"),
            (entry("adjust", message=""), "Adjustment"),
            (entry("adjust", -5), "Adjustment"),
        ],
    )
    def test_says_what_happened(self, said: Entry, title: str) -> None:
        assert wording.entry_title(said) == title

    def test_knows_every_kind_of_entry(self) -> None:
        for kind in Entry.Kind.values:
            assert wording.entry_title(entry(kind))


class TestEntryReason:
    def test_of_a_multiplied_earn_shows_the_steps(self) -> None:
        assert wording.entry_reason(entry("earn", 76, SILVER, **ORDER)) == "银卡 ×1.2: 64 → 76"

    def test_of_two_multipliers_names_both(self) -> None:
        double = {
            "rule": "double",
            "kind": "multiplier",
            "points": 76,
            "title": "D",
            "factor": "2",
        }

        said = wording.entry_reason(entry("earn", 152, [*SILVER, double], **ORDER))

        assert said == "银卡 ×1.2, D ×2: 64 → 152"

    def test_of_a_plain_earn_needs_none(self) -> None:
        assert wording.entry_reason(entry("earn", 64, SILVER[:1], **ORDER)) == ""

    def test_of_a_refund_names_amount_and_order(self) -> None:
        assert wording.entry_reason(entry("reverse", -76, **ORDER)) == (
            "Refund of ¥64.00 on order 1"
        )

    def test_of_an_expiry_names_the_day_it_began_where_the_reader_is(self) -> None:
        # 20:30 UTC is the next morning in Shanghai.
        said = entry("expire", -5, lot=7, earned_at="2026-11-20T20:30:00.5+00:00")

        assert wording.entry_reason(said) == "Earned on 2026-11-21"

    def test_of_a_capture_names_the_order_it_paid_for(self) -> None:
        said = entry("redeem", -76, hold=7, order="default/A-1")
        elsewhere = entry("redeem", -76, hold=7, order="shop/A-1")

        assert wording.entry_reason(said) == "For order A-1"
        assert wording.entry_reason(elsewhere) == "For order shop/A-1"
        assert "soonest" in wording.entry_reason(entry("redeem", -76, hold=7))

    def test_of_a_transfer_is_what_the_giver_wrote(self) -> None:
        assert wording.entry_reason(entry("transfer_out", -5, to="王**", message="Hi")) == "“Hi”"
        assert wording.entry_reason(entry("transfer_out", -5, to="王**", message="")) == ""
        received = {"from": "王**", "message": "Hi"}
        assert wording.entry_reason(entry("transfer_in", **received)) == "“Hi”"
        assert "expiry" in wording.entry_reason(entry("transfer_in", message=""))
        fee = entry("fee", -5, to="王**", message="Hi")
        assert wording.entry_reason(fee) == "For points given to 王**"

    def test_of_a_buy_back_is_what_it_was_worth(self) -> None:
        assert wording.entry_reason(entry("buy_back", -76, value="0.76")) == "Worth ¥0.76"

    def test_of_the_other_kinds_is_plain(self) -> None:
        assert "soonest" in wording.entry_reason(entry("redeem", -5))
        assert "expiry" in wording.entry_reason(entry("return", 5))
        assert wording.entry_reason(entry("adjust", 5, message="m")) == "Adjusted"
        assert wording.entry_reason(entry("adjust", 5)) == ""


class TestParts:
    def test_have_a_title_each_and_keep_what_they_say(self) -> None:
        explanation = [
            *SILVER,
            {"rule": "status", "kind": "base", "points": 64},
            {"rule": "mug", "kind": "reward", "points": -9, "title": "Mug"},
            {"rule": "unknown", "kind": "bonus", "points": 1},
        ]

        parts = wording.parts(explanation)

        assert [part["title"] for part in parts] == [
            "Base points",
            "银卡",
            "Status points",
            "Mug",
            "unknown",
        ]
        assert [part["points"] for part in parts] == [64, 12, 64, -9, 1]
        assert parts[1]["factor"] == "1.2"

    def test_are_in_the_language_of_the_reader(self) -> None:
        with translation.override("zh-hans"):
            assert wording.entry_title(entry("expire", -5)) == "积分过期"
            assert wording.parts(SILVER)[0]["title"] == gettext("Base points")


EVENING = {"rule": "e", "kind": "multiplier", "points": 200, "title": "晚间双倍", "factor": "2"}
FIRST = {"rule": "f", "kind": "bonus", "points": 100, "title": "首单礼"}
CAP = {"rule": "f", "kind": "cap", "points": -50, "title": "首单礼"}
HUNDRED = {"rule": "base", "kind": "base", "points": 100, "amount": "100", "rate": "1"}


class TestCampaigns:
    @pytest.mark.parametrize(
        ("explanation", "reason"),
        [
            ([HUNDRED, EVENING | {"points": 100}], "晚间双倍 ×2: 100 → 200"),
            ([HUNDRED, FIRST], "首单礼 +100"),
            (
                [HUNDRED, FIRST | {"multiplied": 100}, EVENING],
                "首单礼 +100; 晚间双倍 ×2: 200 → 400",
            ),
            (
                [HUNDRED, EVENING | {"points": 100}, FIRST, CAP | {"cap": "per_member_per_day"}],
                "晚间双倍 ×2: 100 → 200; 首单礼 +100; −50 by the limit of the day",
            ),
            (
                [FIRST, CAP | {"cap": "budget_points"}],
                "首单礼 +100; −50 by the campaign's budget",
            ),
            ([HUNDRED, FIRST | {"points": 0, "reward": "mug"}], "首单礼: a gift"),
            ([HUNDRED, FIRST | {"points": 0, "status_points": 5}], "首单礼 +5"),
        ],
        ids=str,
    )
    def test_says_why_in_plain_words(self, explanation: Any, reason: str) -> None:
        assert wording.entry_reason(entry("earn", explanation=explanation)) == reason

    @pytest.mark.parametrize(
        ("base", "more", "reason"),
        [
            ("30", [], "¥50 paid with points earns nothing; ¥30 → 30"),
            ("30", [FIRST], "¥50 paid with points earns nothing; ¥30 → 30; 首单礼 +100"),
            ("91/3", [], "¥50 paid with points earns nothing; ¥30.33 → 30"),
        ],
    )
    def test_names_what_points_paid(self, base: str, more: list[Any], reason: str) -> None:
        rest = HUNDRED | {"points": 30, "amount": base}

        said = entry("earn", explanation=[rest, *more], **ORDER, paid_with_points="50.00")

        assert wording.entry_reason(said) == reason

    @pytest.mark.parametrize(
        ("said", "title", "reason"),
        [
            (entry("earn", event="review", title="晒单有礼"), "Review written", ""),
            (entry("earn", event="planting", title="种树"), "种树", ""),
            (entry("earn", event="planting"), "planting", ""),
            (entry("earn", title="老带新", friend="王**"), "老带新", "with 王**"),
            (entry("earn", title="生日礼", benefit="b", tier="金卡"), "生日礼", "Benefit of 金卡"),
            (
                entry("reverse", -9, referral="r", title="老带新"),
                "A friend's first order was refunded",
                "Points given by “老带新”",
            ),
        ],
    )
    def test_names_acts_friends_and_benefits(self, said: Entry, title: str, reason: str) -> None:
        assert (wording.entry_title(said), wording.entry_reason(said)) == (title, reason)
