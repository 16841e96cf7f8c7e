import threading
import time
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

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
