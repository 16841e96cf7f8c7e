from typing import Any

import pytest

from members import stores
from members.errors import InvalidInput
from members.models import Store


class TestCreate:
    def test_opens_a_store(self, db: None) -> None:
        store = stores.create(changes={"code": " SH-1 ", "name": "静安寺店"})
        store.refresh_from_db()
        assert (store.code, store.name) == ("SH-1", "静安寺店")

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ({"name": "A"}, "/code", "required"),
            ({"code": "A"}, "/name", "required"),
            ({"code": " ", "name": "A"}, "/code", "blank"),
            ({"code": "A" * 51, "name": "A"}, "/code", "max_length"),
            ({"code": "A\x00", "name": "A"}, "/code", "invalid"),
            ({"code": 5, "name": "A"}, "/code", "invalid"),
            ({"code": "A", "name": "A" * 101}, "/name", "max_length"),
            ({"code": "A", "name": "A", "city": "上海"}, "/city", "unknown_field"),
        ],
    )
    def test_points_at_bad_input(
        self, db: None, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        with pytest.raises(InvalidInput) as problem:
            stores.create(changes=said)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert not Store.objects.exists()

    def test_one_code_is_given_once(self, committed_db: Any) -> None:
        results = committed_db.run_parallel(
            lambda number: stores.create(changes={"code": "A", "name": f"Store {number}"}),
            20,
            connections_at_once=20,
        )
        assert sum(isinstance(result, Store) for result in results) == 1
        assert sum(getattr(result, "code", "") == "taken" for result in results) == 19


class TestChange:
    @pytest.fixture
    def store(self, db: None) -> Store:
        return stores.create(changes={"code": "A", "name": "一店"})

    def test_renames(self, store: Store) -> None:
        stores.change(store=store, changes={"code": "A", "name": " 旗舰店 "})
        assert Store.objects.get().name == "旗舰店"

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ({"code": "B", "name": "二店"}, "/code", "read_only"),
            ({"name": ""}, "/name", "blank"),
            ({"name": None}, "/name", "invalid"),
        ],
    )
    def test_points_at_bad_input(
        self, store: Store, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        with pytest.raises(InvalidInput) as problem:
            stores.change(store=store, changes=said)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        store.refresh_from_db()
        assert (store.code, store.name) == ("A", "一店")


class TestNamed:
    def test_finds_what_an_input_names(self, db: None) -> None:
        store = stores.create(changes={"code": "A", "name": "一店"})
        assert stores.named("A") == store
        assert stores.named(None) is None
        for code in ("B", "", "\x00"):
            with pytest.raises(InvalidInput) as problem:
                stores.named(code, "/orders/3/store")
            assert (problem.value.pointer, problem.value.code) == ("/orders/3/store", "unknown")
