import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from loyalty import ledger, programs
from members import transactions
from members.models import Store


class _Transient(OperationalError):
    """What Django raises when PostgreSQL has broken a transaction off."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.__cause__ = Exception(state)
        self.__cause__.sqlstate = state  # type: ignore[attr-defined]


def _failing(times: int, state: str) -> Any:
    calls = []

    def work() -> int:
        calls.append(1)
        Store.objects.create(code=f"S{len(calls)}", name="Store")
        if len(calls) <= times:
            raise _Transient(state)
        return len(calls)

    return work


class TestInTransaction:
    @pytest.mark.parametrize("state", ["40P01", "40001"])
    def test_begins_again_after_a_deadlock_and_keeps_only_the_last_try(
        self, committed_db: Any, state: str
    ) -> None:
        assert transactions.in_transaction(_failing(4, state)) == 5
        assert [store.code for store in Store.objects.all()] == ["S5"]

    def test_gives_up_after_five_times(self, committed_db: Any) -> None:
        with pytest.raises(OperationalError, match="40001"):
            transactions.in_transaction(_failing(5, "40001"))
        assert Store.objects.count() == 0

    def test_does_not_repeat_what_cannot_get_better(self, committed_db: Any) -> None:
        with pytest.raises(OperationalError, match="55P03"):
            transactions.in_transaction(_failing(1, "55P03"))
        assert Store.objects.count() == 0

    def test_leaves_the_repeating_to_the_outermost(self, committed_db: Any) -> None:
        with pytest.raises(OperationalError), transaction.atomic():
            transactions.in_transaction(_failing(1, "40P01"))
        assert Store.objects.count() == 0

    def test_inside_a_transaction_undoes_only_its_own_work(self, db: None) -> None:
        Store.objects.create(code="S0", name="Store")

        def twice() -> None:
            Store.objects.create(code="S1", name="Store")
            Store.objects.create(code="S1", name="Store")

        with pytest.raises(IntegrityError):
            transactions.in_transaction(twice)
        assert [store.code for store in Store.objects.all()] == ["S0"]

    def test_survives_a_real_deadlock(self, committed_db: Any) -> None:
        first = Store.objects.create(code="S1", name="")
        second = Store.objects.create(code="S2", name="")
        both_hold_one = threading.Barrier(2)
        tries = []

        def work(number: int) -> Any:
            mine, other = (first, second) if number else (second, first)

            def cross() -> None:
                tries.append(number)
                Store.objects.filter(pk=mine.pk).update(name=str(number))
                if len(tries) <= 2:
                    both_hold_one.wait(timeout=30)
                    time.sleep(0.05)
                Store.objects.filter(pk=other.pk).update(name=str(number))

            return transactions.in_transaction(cross)

        assert committed_db.run_parallel(work, 2, connections_at_once=2) == [None, None]
        assert sorted(tries) in ([0, 0, 1], [0, 1, 1])
        assert len({store.name for store in Store.objects.all()}) == 1
        assert not connection.in_atomic_block


class TestBeforeCommit:
    def test_waits_for_the_end_of_the_verb_and_stays_in_its_transaction(
        self, committed_db: Any
    ) -> None:
        said: list[str] = []

        def tell(word: str) -> None:
            assert connection.in_atomic_block
            said.append(word)

        def work() -> int:
            transactions.before_commit(lambda: tell("first"))
            transactions.before_commit(lambda: tell("second"))
            tell("verb")
            return 7

        assert transactions.in_transaction(work) == 7
        assert said == ["verb", "first", "second"]

    def test_ends_with_the_innermost_verb(self, db: None) -> None:
        said: list[str] = []

        def inner() -> None:
            transactions.before_commit(lambda: said.append("waited"))
            said.append("inner")

        def outer() -> None:
            transactions.in_transaction(inner)
            said.append("outer")

        transactions.in_transaction(outer)

        assert said == ["inner", "waited", "outer"]

    def test_what_waits_may_make_something_else_wait(self, db: None) -> None:
        said: list[str] = []

        def more() -> None:
            transactions.before_commit(lambda: said.append("last"))
            said.append("more")

        transactions.in_transaction(lambda: transactions.before_commit(more))

        assert said == ["more", "last"]

    def test_without_a_verb_it_happens_at_once(self, db: None) -> None:
        said: list[str] = []

        transactions.before_commit(lambda: said.append("now"))

        assert said == ["now"]

    def test_a_verb_that_fails_forgets_it(self, db: None) -> None:
        said: list[str] = []

        def work() -> None:
            transactions.before_commit(lambda: said.append("never"))
            raise ValueError

        with pytest.raises(ValueError):  # noqa: PT011 - our own, and nothing else is raised
            transactions.in_transaction(work)
        transactions.in_transaction(lambda: said.append("next"))

        assert said == ["next"]

    def test_a_verb_that_is_tried_again_does_it_once(self, committed_db: Any) -> None:
        said: list[str] = []
        fails = _failing(2, "40P01")

        def work() -> None:
            transactions.before_commit(lambda: said.append("once"))
            fails()

        transactions.in_transaction(work)

        assert said == ["once"]

    def test_what_it_does_is_undone_with_the_verb(self, committed_db: Any) -> None:
        def fail() -> None:
            raise ValueError

        def work() -> None:
            Store.objects.create(code="S1", name="Store")
            transactions.before_commit(lambda: Store.objects.create(code="S2", name="Store"))
            transactions.before_commit(fail)

        with pytest.raises(ValueError):  # noqa: PT011 - our own, and nothing else is raised
            transactions.in_transaction(work)

        assert Store.objects.count() == 0

    def test_together_the_same_work_is_done_once_for_everything(self, db: None) -> None:
        said: list[list[int]] = []

        gathered = said.append

        def work() -> None:
            transactions.before_commit_together(gathered, [1, 2])
            transactions.before_commit_together(gathered, [3])

        transactions.in_transaction(work)

        assert said == [[1, 2, 3]]
        transactions.before_commit_together(gathered, [4])
        assert said[1:] == [[4]]


class TestRemembered:
    """What a verb has read is read once, until it takes a lock or fails."""

    @pytest.fixture
    def read(self) -> Callable[[], int]:
        count = itertools.count(1)
        return lambda: transactions.remembered("it", lambda: next(count))

    def test_without_a_verb_it_is_read_each_time(self, read: Callable[[], int]) -> None:
        assert [read(), read()] == [1, 2]

    @pytest.mark.django_db
    def test_within_a_verb_and_those_inside_it_it_is_read_once(
        self, read: Callable[[], int]
    ) -> None:
        def verb() -> list[int]:
            return [read(), transactions.in_transaction(read), read()]

        assert transactions.in_transaction(verb) == [1, 1, 1]
        assert transactions.in_transaction(verb) == [2, 2, 2]

    @pytest.mark.django_db
    def test_after_a_lock_it_is_read_anew(self, read: Callable[[], int]) -> None:
        def verb() -> list[int]:
            before = read()
            ledger.lock(members=[], at=datetime.now(UTC))
            return [before, read()]

        assert transactions.in_transaction(verb) == [1, 2]

    @pytest.mark.django_db
    def test_after_a_verb_inside_failed_it_is_read_anew(self, read: Callable[[], int]) -> None:
        def failing() -> None:
            read()
            raise LookupError

        def verb() -> int:
            with contextlib.suppress(LookupError):
                transactions.in_transaction(failing)
            return read()

        assert transactions.in_transaction(verb) == 2

    @pytest.mark.django_db
    def test_a_program_that_is_changed_is_read_anew(self) -> None:
        def verb() -> tuple[str, str]:
            before = programs.current().name
            programs.change(changes={"name": "Snacks"})
            return before, programs.current().name

        before, after = transactions.in_transaction(verb)
        assert before != after == "Snacks"


@pytest.mark.usefixtures("committed_db")
class TestCollision:
    def test_makes_the_outermost_verb_begin_again(self) -> None:
        drawn = iter("AAB")

        def verb() -> str:
            letter = next(drawn)
            if letter == "A":
                raise transactions.Collision
            return letter

        assert transactions.in_transaction(lambda: transactions.in_transaction(verb)) == "B"
