import csv
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from loyalty import adjustments, earning, explained_entries, ordering, recomputing, refunds
from loyalty.models import Entry, Order, Program
from loyalty.refunds import RefundFacts
from members import enrolment, stores
from members.models import Member, Tier
from rewards import catalogue, redemption
from tests.conftest import NOON
from tests.loyalty.builders import (
    credit,
    day,
    debit,
    examples,
    order,
    post,
    program,
    reversal,
    settle,
    spoil,
    wallet_of,
)

PURCHASES = Path(__file__).parent / "data" / "cdnow.csv"
AMOUNTS = st.decimals(min_value=0, max_value=10_000, places=2)
FACTORS = st.decimals(min_value=0, max_value=5, places=2)


def base(points: int, **more: Any) -> dict[str, Any]:
    said = {"rule": "base", "kind": "base", "amount": "99.50", "rate": "1"}
    return {**said, "points": points, **more}


def times(factor: str, points: int) -> dict[str, Any]:
    return {"rule": "tier", "kind": "tier", "factor": factor, "points": points}


class TestRecompute:
    @pytest.mark.parametrize(
        ("explanation", "points"),
        [
            ([base(99)], 99),
            ([base(100, rounding="half_up")], 100),
            ([base(99), times("1.2", 20)], 119),
            ([base(99, rounding="half_up"), times("1.5", 50)], 149),
            ([base(99), times("2", 100), times("1.2", 39), times("1.5", 120)], 358),
            (
                [base(99, stacking="add"), times("2", 100), times("1.2", 19), times("1.5", 50)],
                268,
            ),
            ([base(99, stacking="best"), times("1.2", 20), times("2", 80)], 199),
            ([base(33, amount="100/3")], 33),
            ([base(99), times("0", -99)], 0),
            ([{"rule": "award", "kind": "bonus", "points": 50}], 50),
            ([{"rule": "mug", "kind": "reward", "points": -60, "price": 20, "quantity": 3}], -60),
            (
                [
                    {
                        "rule": "refund",
                        "kind": "refund",
                        "points": -30,
                        "target": 50,
                        "before": 20,
                    },
                    {"rule": "expired", "kind": "cap", "points": 10},
                    {"rule": "no_debt", "kind": "cap", "points": 5},
                ],
                -15,
            ),
        ],
    )
    def test_does_the_sum_again(self, explanation: list[dict[str, Any]], points: int) -> None:
        assert recomputing.recompute(explanation) == points
        assert recomputing.problem(kind="earn", points=points, explanation=explanation) is None

    @pytest.mark.parametrize(
        ("explanation", "points"),
        [
            ([base(99)], 98),
            ([base(98)], 98),
            ([base(99), times("1.2", 19)], 118),
            ([base(98), times("1.2", 21)], 119),
            ([{"rule": "mug", "kind": "reward", "points": -60, "price": 30, "quantity": 3}], -60),
            (
                [{"rule": "refund", "kind": "refund", "points": -9, "target": 50, "before": 20}],
                -9,
            ),
            ([times("1.2", 20)], 20),
            ([{"points": 5}], 5),
            ([{"rule": "award", "kind": "bonus", "points": "5"}], 5),
            ([{"rule": "award", "kind": "bonus", "points": 5.0}], 5),
            ([base(99, amount="a lot")], 99),
            ([base(99, stacking="worst")], 99),
            ([], 1),
        ],
    )
    def test_says_what_does_not_follow(
        self, explanation: list[dict[str, Any]], points: int
    ) -> None:
        assert recomputing.problem(kind="earn", points=points, explanation=explanation)

    @given(
        amounts=st.lists(AMOUNTS, max_size=4),
        rate=FACTORS,
        factors=st.lists(FACTORS, max_size=4),
        rounding=st.sampled_from(Program.Rounding.values),
        stacking=st.sampled_from(Program.Stacking.values),
    )
    @examples(300)
    def test_agrees_with_the_engine_whatever_the_rules(
        self,
        amounts: list[Decimal],
        rate: Decimal,
        factors: list[Decimal],
        rounding: str,
        stacking: str,
    ) -> None:
        facts = earning.Facts(
            amounts=tuple(amounts),
            tier=Tier(code="x", multiplier=Decimal(1)),
            program=Program(earn_rate=rate, rounding=rounding, stacking=stacking),
        )
        effects: list[earning.Contribution] = [earning.Base(rule="base", rate=rate)]
        effects += [
            earning.Multiplier(rule=f"m{n}", kind="tier", title="", factor=factor)
            for n, factor in enumerate(factors)
        ]
        earned = earning.combined(facts, effects)

        assert recomputing.recompute(earned.explanation) == earned.points


class TestEveryEntry:
    def test_of_every_verb(self, ada: Member, bob: Member) -> None:
        program(rounding="half_up", stacking="add")
        Tier.objects.filter(pk=bob.tier_id).update(multiplier=Decimal("1.37"))
        stores.create(changes={"code": "SH-1", "name": "静安寺店"})
        bought = order("1", "33.33", "19.90", member=bob, store="SH-1")
        ordering.place(order=bought, at=NOON)
        for number in range(3):
            back = RefundFacts(reference=f"r{number}", amount=Decimal("11.11"))
            refunds.refund(source="default", number="1", facts=back, now=NOON)
        catalogue.create(
            changes={"code": "mug", "name": "Mug", "kind": "gift", "points": 200}, at=NOON
        )
        asked = redemption.RedemptionRequest(
            member=ada.number, reward="mug", quantity=2, reference="1", store="SH-1"
        )
        redemption.cancel(
            number=redemption.redeem(request=asked, at=NOON).redemption.number, at=NOON
        )
        facts = adjustments.AdjustmentFacts(
            member=ada.number, points=-7, reason="correction", reference="a1"
        )
        adjustments.adjust(facts=facts, requested_by="owner", at=NOON)
        wallet = wallet_of(ada)
        post(credit(wallet, 40, "soon", expires_at=day(1)), debit(wallet, 9, "out"))
        settle(wallet, day(2))
        post(reversal(wallet, 40, "undone", of="soon", clamp=True), at=day(2))

        assert list(explained_entries.differences()) == []
        assert set(Entry.objects.values_list("kind", flat=True)) == {
            *("earn", "reverse", "redeem", "return", "adjust", "expire")
        }
        taken = Entry.objects.filter(kind="redeem", details__has_key="reward").get()
        assert (taken.explanation[0]["price"], taken.explanation[0]["quantity"]) == (200, 2)
        assert taken.store is not None
        assert Entry.objects.get(kind="return").store == taken.store

    def test_of_imported_purchases(self, db: None, tmp_path: Path) -> None:
        """Real purchases with their cents: a rate, a rounding and a multiplier that do not come out even."""
        program(earn_rate=Decimal("1.35"), rounding="half_up")
        Tier.objects.update(multiplier=Decimal("1.07"))
        stores.create(changes={"code": "WEB", "name": "CDNOW"})
        with PURCHASES.open() as file:
            rows = list(csv.DictReader(file))
        for number, name in enumerate(sorted({row["member_external_id"] for row in rows})):
            newcomer = enrolment.Newcomer(
                phone=f"+86139{number:08d}",
                external_id=name,
                enrolled_at=datetime(1997, 1, 1, tzinfo=UTC),
            )
            enrolment.enrol(newcomer=newcomer, at=NOON)
        with time_machine.travel(NOON, tick=False):
            call_command("import_orders", str(PURCHASES))

        assert Order.objects.count() == len(rows) > 300
        assert Entry.objects.filter(kind="earn").count() > 300
        assert list(explained_entries.differences()) == []

    def test_a_changed_sum_is_found_with_its_wallet(
        self, ada: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(explained_entries, "BATCH", 1)
        ordering.place(order=order("1", "100.00", member=ada), at=NOON)
        wallet = wallet_of(ada)
        spoil(
            "UPDATE loyalty_entry SET explanation = jsonb_set(explanation, '{0,rate}', '\"2\"')"
            f" WHERE wallet_id = {wallet} AND reference = 'default/1'"
        )

        assert list(explained_entries.differences()) == [
            (wallet, "entry 2: base: 100 points, recomputed 200")
        ]
