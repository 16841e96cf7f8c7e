"""A single credit in one statement writes what `post` writes, or nothing; races have a twin without the guard."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from loyalty import awarding, ledger, queries, spending
from loyalty.awarding import Award
from loyalty.errors import InDebt, InsufficientPoints
from loyalty.ledger import Posting, quick, statements
from loyalty.models import Allocation, Entry, Lot, Wallet
from members import enrolment
from members.errors import InvalidInput, MemberClosed, ReferenceReused
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    credit,
    day,
    debit,
    entries,
    examples,
    figures,
    hold,
    post,
    program,
    reversal,
    sandbox,
    wallet_of,
)

LOCKING = "FOR NO KEY UPDATE OF w"
MAX = 2**63 - 1

# Earned, spent and taken back before: settled, due, pending, owing and empty wallets come of it.
BEFORE = st.lists(
    st.one_of(
        st.tuples(st.just("credit"), st.integers(1, 60), st.integers(-4, 3), st.integers(1, 6)),
        st.tuples(st.just("debit"), st.integers(1, 60)),
        st.tuples(st.just("reverse"), st.integers(1, 60)),
    ),
    max_size=6,
)
AWARDS = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.sampled_from(["a", "b", "积分/3"]),
        st.sampled_from([None, -2, 0, 1]),  # days until it is active
        st.sampled_from(["policy", None, 1, 9]),  # days until it lapses
    ),
    min_size=1,
    max_size=3,
)


def award(member: Member, points: int, reference: str, **others: Any) -> Award:
    return Award(member=member.pk, points=points, reference=reference, at=NOON, **others)


def rows(model: type[Any], *leave_out: str) -> list[dict[str, Any]]:
    """All rows without ids drawn from a sequence and what hangs on them."""
    names = [
        field.attname
        for field in model._meta.concrete_fields
        if field.attname not in {"id", "created_at", "digest", *leave_out}
    ]
    return [
        dict(zip(names, row, strict=True))
        for row in model.objects.order_by("id").values_list(*names)
    ]


def everything() -> dict[str, Any]:
    """The ledger's tables column by column; lots and allocations with the reference of their entries."""
    return {
        "wallets": rows(Wallet),
        "entries": rows(Entry, "corrects_id"),
        "lots": rows(Lot, "entry_id"),
        "sources": list(
            Lot.objects.order_by("id").values_list("entry__sequence", "entry__wallet")
        ),
        "allocations": rows(Allocation, "lot_id", "entry_id"),
    }


def prepare(wallet: int, plan: list[tuple[Any, ...]]) -> None:
    """Do what the ledger accepts of a plan."""
    for number, (kind, points, *dates) in enumerate(plan):
        if kind == "credit":
            start = day(dates[0])
            made: Any = credit(
                wallet,
                points,
                f"in {number}",
                active_from=start,
                expires_at=start + timedelta(days=dates[1]),
            )
        elif kind == "debit":
            made = debit(wallet, points, f"out {number}")
        else:
            last = Entry.objects.filter(wallet=wallet, kind="earn").order_by("-sequence").first()
            if last is None or Entry.objects.filter(corrects=last).exists():
                continue
            made = reversal(wallet, min(points, last.points), f"back {number}", of=last.reference)
        try:
            with transaction.atomic():
                post(made, at=NOON)
        except Exception:  # noqa: BLE001 - a plan may ask for too much
            continue


def give(member: Member, awards: list[tuple[Any, ...]], at: datetime) -> list[Any]:
    answers: list[Any] = []
    for points, reference, active, lapse in awards:
        start = None if active is None else at + timedelta(days=active)
        made = Award(
            member=member.pk,
            points=points,
            reference=reference,
            at=at,
            details={"从": reference},
            active_from=start,
            expires_at=awarding.BY_POLICY
            if lapse == "policy"
            else None
            if lapse is None
            else (start or at) + timedelta(days=lapse),
        )
        try:
            answers += awarding.award_all(awards=[made], at=at)
        except ReferenceReused as refused:
            answers.append(refused.code)
    return answers


class TestCreditAtOnce:
    @given(before=BEFORE, awards=AWARDS, pause=st.integers(0, 7))
    @examples(60)
    def test_writes_byte_for_byte_what_lock_and_post_write(
        self, bob: Member, before: list[Any], awards: list[Any], pause: int
    ) -> None:
        at = day(pause)
        with sandbox():
            prepare(wallet_of(bob), before)
            with sandbox():
                quick = give(bob, awards, at), everything()
                assert_clean()
            with sandbox(), pytest.MonkeyPatch.context() as patched:
                patched.setattr(ledger, "credit_at_once", lambda **_: None)
                general = give(bob, awards, at), everything()
            assert quick == general

    def test_is_the_way_a_plain_award_takes(
        self, bob: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def never(**_: Any) -> None:
            raise AssertionError("locked")

        monkeypatch.setattr(ledger, "lock", never)

        (posted,) = awarding.award_all(awards=[award(bob, 7, "a")], at=NOON)

        assert (posted.points, posted.balance, posted.is_new, posted.debt_added) == (7, 7, True, 0)
        assert figures(wallet_of(bob)) == {"active": 7, "earned": 7}
        assert_clean()

    @pytest.mark.parametrize(
        "why",
        [
            "due",
            "owed",
            "pending",
            "known",
            "closed",
            "merged",
            "lapsing",
            "overflow",
            "changed",
        ],
    )
    def test_writes_nothing_where_there_is_something_to_decide(
        self, bob: Member, why: str
    ) -> None:
        wallet = wallet_of(bob)
        dates = {
            "pending": {"active_from": day(9)},
            "lapsing": {"active_from": day(-3), "expires_at": day(2)},
        }
        made = credit(wallet, 10, "a", **dates.get(why, {}))  # type: ignore[arg-type]
        earlier: dict[str, list[Any]] = {
            "due": [credit(wallet, 5, "old", expires_at=day(1))],
            "owed": [
                credit(wallet, 5, "in"),
                debit(wallet, 5, "out"),
                reversal(wallet, 5, "back", of="in"),
            ],
            "known": [made],
            "overflow": [credit(wallet, MAX - 9, "much")],
        }
        post(*earlier.get(why, []))
        marks: dict[str, dict[str, Any]] = {
            "closed": {"is_closed": True},
            "merged": {"merged_from": [1]},
        }
        if why in marks:
            Wallet.objects.filter(pk=wallet).update(**marks[why])
        before = everything()

        version = queries.program_version() if why != "changed" else "another"
        answer = ledger.credit_at_once(member=bob.pk, credit=made, at=day(2), program=version)

        assert answer is None

        assert everything() == before

    def test_refuses_what_is_no_posting(self, bob: Member) -> None:
        for points in (0, -1, True, 1.5):
            with pytest.raises(InvalidInput):
                awarding.award_all(awards=[award(bob, points, "a")], at=NOON)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput):
            awarding.award_all(awards=[award(bob, 2**63, "a")], at=NOON)

        assert figures(wallet_of(bob)) == {}

    def test_gives_nothing_to_a_closed_member(self, bob: Member) -> None:
        Wallet.objects.filter(member=bob).update(is_closed=True)

        with pytest.raises(MemberClosed):
            awarding.award_all(awards=[award(bob, 7, "a")], at=NOON)

        assert entries(wallet_of(bob)) == []

    def test_follows_the_program_of_this_very_moment(self, bob: Member) -> None:
        for number, months in enumerate((24, 6, 6, 12), 1):
            program(expiry_policy="rolling", expiry_months=months)
            awarding.award_all(awards=[award(bob, number, f"{number}")], at=NOON)

        lots = Lot.objects.filter(wallet=wallet_of(bob)).order_by("id")
        assert [(each.points, f"{each.expires_at:%Y-%m}") for each in lots] == [
            (1, "2028-11"),
            (2, "2027-05"),
            (3, "2027-05"),
            (4, "2027-11"),
        ]

    def test_counts_from_the_last_activity_where_inactivity_decides(self, bob: Member) -> None:
        program(expiry_policy="inactivity", expiry_months=6)
        Wallet.objects.filter(member=bob).update(last_activity_at=day(40))

        awarding.award_all(awards=[award(bob, 7, "a")], at=NOON)

        lapses = Lot.objects.get(wallet=wallet_of(bob)).expires_at
        assert lapses == datetime.fromisoformat("2027-07-01T00:00:00+08:00")


BATCHES = st.lists(
    st.one_of(
        st.tuples(
            st.just("credit"),
            st.integers(0, 2),
            st.integers(1, 90),
            st.sampled_from(["a", "b", 'c "quoted" \\ {,} NULL', "积分"]),
            st.sampled_from([-2, 0, 1]),
            st.sampled_from([None, 1, 9]),
        ),
        st.tuples(st.just("debit"), st.integers(0, 2), st.integers(1, 90)),
    ),
    min_size=1,
    max_size=5,
)


def postings(wallets: list[int], batch: list[tuple[Any, ...]], at: datetime) -> list[Posting]:
    made: list[Posting] = []
    for number, (kind, place, points, *rest) in enumerate(batch):
        if kind == "debit":
            made.append(debit(wallets[place], points, f"spent {number}", at=at))
            continue
        reference, starts, span = rest
        start = at + timedelta(days=starts)
        lapses = None if span is None else start + timedelta(days=span)
        made.append(
            replace(
                credit(
                    wallets[place], points, reference, active_from=start, expires_at=lapses, at=at
                ),
                details={reference: [None, "\t\n", 1.5]},
            )
        )
    return made


class TestCreditMany:
    @given(before=BEFORE, batch=BATCHES, pause=st.integers(0, 7))
    @examples(60)
    def test_writes_byte_for_byte_what_a_book_writes(
        self,
        bob: Member,
        mallory: Member,
        ada: Member,
        before: list[Any],
        batch: list[Any],
        pause: int,
    ) -> None:
        wallets = [wallet_of(each) for each in (bob, mallory, ada)]
        outcomes = []
        with sandbox():
            prepare(wallets[0], before)
            for many in (1, 1_000):
                with sandbox(), pytest.MonkeyPatch.context() as patched:
                    patched.setattr(quick, "MANY", many)
                    try:
                        with transaction.atomic():
                            answers: Any = post(
                                *postings(wallets, batch, day(pause)), at=day(pause)
                            )
                    except (InDebt, InsufficientPoints, ReferenceReused) as refused:
                        answers = refused.code
                    outcomes.append((answers, by_wallet(everything())))
                    assert_clean()
        assert outcomes[0] == outcomes[1]

    def test_leaves_the_wallets_in_memory_as_they_are_in_the_database(
        self, bob: Member, mallory: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(quick, "MANY", 1)
        wallets = [wallet_of(each) for each in (bob, mallory)]
        with transaction.atomic():
            held = ledger.lock_wallets(wallets=wallets, at=NOON)
            first = [credit(each, 10, "a", expires_at=day(9)) for each in wallets]
            second = [credit(wallets[0], 5, "b"), debit(wallets[1], 4, "out")]
            for each in (first, second):
                ledger.post(postings=each, at=NOON, held=held)

        assert entries(wallets[0]) == [("earn", 10, 10), ("earn", 5, 15)]
        assert entries(wallets[1]) == [("earn", 10, 10), ("redeem", -4, 6)]
        assert Wallet.objects.get(pk=wallets[1]).next_due_at == day(9)
        assert_clean()

    def test_gives_nothing_to_a_closed_member(
        self, bob: Member, mallory: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(quick, "MANY", 1)
        Wallet.objects.filter(member=bob).update(is_closed=True)

        with pytest.raises(MemberClosed):
            awarding.award_all(awards=[award(bob, 7, "a"), award(mallory, 7, "a")], at=NOON)

        assert entries(wallet_of(bob)) == entries(wallet_of(mallory)) == []


def by_wallet(books: dict[str, Any]) -> dict[str, Any]:
    """Rows sorted: which of several wallets' rows is written first says nothing."""
    return {name: sorted(map(str, found)) for name, found in books.items()}


class TestFirstLots:
    def test_more_lots_are_read_where_the_first_do_not_cover_the_spend(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(*(credit(wallet, 2, f"{n:03d}", expires_at=day(1 + n)) for n in range(300)))

        post(debit(wallet, 401, "out"))
        post(debit(wallet, 199, "rest"))

        taken = Allocation.objects.filter(entry__reference="out").order_by("id")
        assert [each.points for each in taken] == [*[-2] * 200, -1]
        assert list(taken.values_list("lot__entry__reference", flat=True)) == [
            f"{n:03d}" for n in range(201)
        ]
        assert figures(wallet) == {"earned": 600, "spent": 600}
        assert_clean()

    def test_lots_that_holds_keep_do_not_hide_the_others(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(*(credit(wallet, 2, f"{n:03d}", expires_at=day(2 + n)) for n in range(60)))
        hold(wallet, 80, until=day(1))

        post(debit(wallet, 40, "out"))

        taken = Allocation.objects.filter(entry__reference="out").order_by("id")
        assert list(taken.values_list("lot__entry__reference", flat=True)) == [
            f"{n:03d}" for n in range(40, 60)
        ]
        assert_clean()


def enrol() -> Member:
    found = enrolment.enrol_all(newcomers=[enrolment.Newcomer(phone="+8613600000000")], at=NOON)
    assert found[0].member
    return found[0].member


class TestRaces:
    def one(self, member: Member, reference: str | None = None) -> Callable[[int], Any]:
        return lambda number: awarding.award_all(
            awards=[award(member, 7, reference or f"{number}")], at=NOON
        )[0]

    def test_one_reference_50_times_is_one_credit(self, committed_db: Any) -> None:
        member = enrol()

        results = committed_db.run_parallel(self.one(member, "a"), 50)

        assert sorted((each.points, each.balance, each.is_new) for each in results) == [
            *[(7, 7, False)] * 49,
            (7, 7, True),
        ]
        assert figures(wallet_of(member)) == {"active": 7, "earned": 7}
        assert_clean()

    def test_100_awards_and_50_spends_of_one_wallet_keep_every_point(
        self, committed_db: Any
    ) -> None:
        member = enrol()
        give = self.one(member)

        def work(number: int) -> Any:
            if number % 3 < 2:
                return give(number)
            return spending.spend(
                member=member,
                points=10,
                reference=f"R{number}",
                details={},
                explanation=[{"rule": "mug", "kind": "reward", "points": -10}],
                at=NOON,
            )

        results = committed_db.run_parallel(work, 150)

        spent = 10 * sum(isinstance(each, Entry) for each in results)
        refused = sum(isinstance(each, InsufficientPoints) for each in results)
        assert spent // 10 + refused == 50
        expected = {"active": 700 - spent, "earned": 700, "spent": spent}
        assert figures(wallet_of(member)) == {k: v for k, v in expected.items() if v}
        assert_clean()

    def test_without_the_lock_awards_meet_the_unique_key(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert LOCKING in statements.CREDIT_AT_ONCE
        # Everybody has read before anybody writes.
        slow = statements.CREDIT_AT_ONCE.replace(LOCKING, "").replace(
            "FROM wallet, n", "FROM wallet, n, (SELECT pg_sleep(0.1)) pause"
        )
        monkeypatch.setattr(statements, "CREDIT_AT_ONCE", slow)
        member = enrol()

        results = committed_db.run_parallel(self.one(member), 20)

        problem = next(each for each in results if isinstance(each, IntegrityError))
        assert "entry_sequence" in str(problem)
