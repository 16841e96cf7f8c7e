"""The cast, the database they live in and the tools for races over real connections."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.template import Context, Template
from django.test.signals import template_rendered
from django.test.utils import setup_databases, teardown_databases
from django.utils import translation

if "DATABASE_URL" not in os.environ:
    from config import embedded_postgres

    embedded_postgres.start_for_tests()

from members import enrolment
from members.models import Member, Tier, User

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # noon in Shanghai

TABLES = ("members_", "loyalty_", "rewards_", "campaigns_", "account_", "django_admin_log")
KEPT_TABLES = {"members_tier", "loyalty_pointtype", "loyalty_program", "campaigns_segment"}
# Emptying a table by TRUNCATE makes new files for it and each of its indexes; a few rows are deleted sooner.
FEW_BYTES = 512 * 1024

T = TypeVar("T")


# Tests that are about the database server as much as about us, besides those over real connections.
ENGINE = ("tests/prove/", "/api/", "tests/config/test_api_", "tests/loyalty/test_ledger_")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what another database server has to show too (`-m engine`), and begin with what takes long."""
    for item in items:
        is_committing = "committed_db" in getattr(item, "fixturenames", ())
        if is_committing or any(place in item.nodeid for place in ENGINE):
            item.add_marker(pytest.mark.engine)
    # Begun last it would run on alone, with the other processor idle.
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
    django_db_keepdb: bool,
    django_db_createdb: bool,
) -> Iterator[None]:
    """A database of the tests' own, whichever tests were chosen.

    pytest-django makes none for those that use `committed_db` alone, which would then empty the real one.
    """
    with django_db_blocker.unblock():
        before = setup_databases(
            verbosity=0,
            interactive=False,
            keepdb=django_db_keepdb and not django_db_createdb,
            serialized_aliases=set(),
        )
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            teardown_databases(before, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def _contexts_of_pages_alone(django_test_environment: None) -> Iterator[None]:
    """Django copies the context of every template for `response.context`; here of pages, not of what they include."""

    def render(template: Template, context: Context) -> str:
        if context.template is template:
            template_rendered.send(sender=template, template=template, context=context)
        rendered: str = template.nodelist.render(context)  # still marked as safe
        return rendered

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", render)
        yield


@pytest.fixture(autouse=True)
def _default_language() -> None:
    """Requests leave their language behind; every test begins with the product's own."""
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture
def noon() -> datetime:
    """A quiet moment: 2026-11-21 12:00 in the program's time zone."""
    return NOON


def _enrol(name: str, phone: str) -> Member:
    return enrolment.enrol(newcomer=enrolment.Newcomer(phone=phone, name=name), at=NOON)


def enrol_bob() -> Member:
    """A member without points."""
    return _enrol("Bob", "+8613800000002")


@pytest.fixture
def bob(db: None) -> Member:
    """A member without points."""
    return enrol_bob()


@pytest.fixture
def mallory(db: None) -> Member:
    """A member who must never see Ada's things."""
    return _enrol("Mallory", "+8613800000003")


def enrol_ada() -> Member:
    """A member with 1,000 points that never expire."""
    from loyalty import awarding

    member = _enrol("Ada", "+8613800000001")
    awarding.award(
        member=member, points=1000, reference="welcome", details={}, expires_at=None, at=NOON
    )
    return member


@pytest.fixture
def ada(db: None) -> Member:
    """A member with 1,000 points that never expire."""
    return enrol_ada()


@pytest.fixture
def owner(db: None) -> User:
    """The merchant: may do everything in the console."""
    return User.objects.create_superuser(username="owner", password="owner", name="Owner")


def _raw(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _definition(constraint: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [constraint]
        )
        return str(cursor.fetchone()[0])


Scene = Callable[[Callable[[], T]], AbstractContextManager[T]]


@pytest.fixture(scope="session")
def scene(django_db_setup: None, django_db_blocker: Any) -> Scene[Any]:
    """Make once what the tests of a class look at, and undo it after the last of them.

    A fixture of that class says `with scene(make_it) as made: yield made`. Each test undoes what it did itself, as ever;
    none of them may use `committed_db`.
    """

    @contextmanager
    def played(make: Callable[[], T]) -> Iterator[T]:
        with django_db_blocker.unblock(), transaction.atomic():
            with translation.override(settings.LANGUAGE_CODE):
                made = make()
            connection.check_constraints()
            yield made
            transaction.set_rollback(True)

    return played


def _empty_tables() -> None:
    """Remove what was committed; replica role keeps the append-only triggers from refusing."""
    with transaction.atomic(), connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        ours = [name for name in names if name.startswith(TABLES) and name not in KEPT_TABLES]
        # Whoever is still at it, even if its process was killed, comes to its end first.
        cursor.execute(f"LOCK TABLE {', '.join(ours)}")
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{name}', pg_relation_size('{name}') WHERE EXISTS (SELECT FROM {name})"
                for name in ours
            )
        )
        filled = dict(cursor.fetchall())
        cursor.execute("SET LOCAL session_replication_role = replica")
        if any(size > FEW_BYTES for size in filled.values()):
            cursor.execute(f"TRUNCATE {', '.join(ours)} CASCADE")
        elif filled:
            cursor.execute("; ".join(f"DELETE FROM {name}" for name in filled))


class RealDatabase:
    """Commits for real; `run_parallel` calls a function from many threads with their own connections."""

    def run_parallel(
        self, work: Callable[[int], Any], times: int, connections_at_once: int = 20
    ) -> list[Any]:
        """Call work(0 … times-1) from `connections_at_once` threads released together.

        Returns results in order; an exception stands in the place of its result.
        """
        barrier = threading.Barrier(min(connections_at_once, times))
        started = threading.local()

        def call(number: int) -> Any:
            if not getattr(started, "yes", False):
                started.yes = True
                barrier.wait(timeout=30)
            try:
                return work(number)
            except Exception as problem:  # noqa: BLE001 - the caller looks at it
                return problem

        def close() -> None:
            connections.close_all()

        with ThreadPoolExecutor(max_workers=connections_at_once) as pool:
            results = list(pool.map(call, range(times)))
            gate = threading.Barrier(min(connections_at_once, times))

            def finish(_: int) -> None:
                gate.wait(timeout=30)
                close()

            list(pool.map(finish, range(min(connections_at_once, times))))
        return results

    @contextmanager
    def without(self, table: str, *constraints: str) -> Iterator[None]:
        """A table without these constraints; before they are put back everything is emptied."""
        definitions = {name: _definition(name) for name in constraints}
        for name in constraints:
            _raw(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            yield
        finally:
            _empty_tables()
            for name, definition in definitions.items():
                _raw(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[RealDatabase]:
    """A database without the enclosing test transaction; emptied afterwards."""
    from campaigns.models import Segment
    from loyalty.models import Program

    with django_db_blocker.unblock():
        tiers = list(Tier.objects.values())
        segments = list(Segment.objects.values_list("id", flat=True))
        try:
            yield RealDatabase()
        finally:
            _empty_tables()
            Tier.objects.exclude(id__in=[tier["id"] for tier in tiers]).delete()
            for tier in tiers:
                Tier.objects.filter(id=tier["id"]).update(**tier)
            Segment.objects.exclude(id__in=segments).delete()
            Program.objects.filter(id=1).delete()
            Program(id=1).save(force_insert=True)
            connection.close()
