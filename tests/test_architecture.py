"""Rules of the house that no linter sees."""

import ast
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parent.parent
APPS = ["config", "members", "loyalty", "rewards", "campaigns"]
LONG_ON_PURPOSE = {"config/settings.py"}


def _files(pattern: str, *folders: str) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob(pattern)
        if "migrations" not in path.parts and "__pycache__" not in path.parts
    )


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


class TestSizeBudgets:
    def test_no_module_is_longer_than_300_lines(self):
        long = {
            str(path.relative_to(ROOT)): _lines(path)
            for path in _files("*.py", *APPS)
            if _lines(path) > 300
        }

        assert {name: size for name, size in long.items() if name not in LONG_ON_PURPOSE} == {}

    def test_no_template_is_longer_than_120_lines(self):
        long = {
            str(path.relative_to(ROOT)): _lines(path)
            for path in _files("*.html", "templates")
            if _lines(path) > 120
        }

        assert long == {}


class TestOneWriterOfValue:
    """Entries, lots, allocations and wallet figures are written in `loyalty.ledger` alone."""

    WRITES = re.compile(
        r"\b(Entry|Lot|Allocation|Wallet)\.objects\b[^\n]*\.(create|bulk_create|update|bulk_update|delete|get_or_create)\("
        r"|\b(INSERT INTO|UPDATE|DELETE FROM|COPY)\s+loyalty_(entry|lot|allocation|wallet)\b"
        r"|\b(wallet|entry|lot)\.save\("
    )
    ALLOWED = {
        "loyalty/wallets.py",  # opens wallets, all figures zero
        "config/bench/seeding_sql.py",  # millions of rows as the ledger would have left them, into an empty database
    }

    def test_nothing_else_writes_the_ledgers_tables(self):
        offenders = [
            str(path.relative_to(ROOT))
            for path in _files("*.py", *APPS)
            if "ledger" not in path.parts and self.WRITES.search(path.read_text())
        ]

        assert [name for name in offenders if name not in self.ALLOWED] == []

    def test_the_pattern_sees_a_write(self):
        assert self.WRITES.search("Wallet.objects.filter(pk=1).update(active=5)")
        assert self.WRITES.search("UPDATE loyalty_wallet SET active = 5")


class TestRelations:
    def test_foreign_keys_across_apps_have_no_way_back(self):
        looking_back = [
            f"{model._meta.label}.{field.name}"
            for label in ["members", "loyalty", "rewards", "campaigns"]
            for model in apps.get_app_config(label).get_models()
            for field in model._meta.get_fields()
            if isinstance(field, models.ForeignKey)
            and field.related_model._meta.app_label not in {label, "auth", "contenttypes"}
            and not (field.remote_field.related_name or "").endswith("+")
        ]

        assert looking_back == []

    def test_nothing_of_value_is_deleted_along(self):
        cascading = [
            f"{model._meta.label}.{field.name}"
            for label in ["loyalty", "rewards"]
            for model in apps.get_app_config(label).get_models()
            for field in model._meta.get_fields()
            if isinstance(field, models.ForeignKey)
            and field.remote_field.on_delete is not models.PROTECT
        ]

        assert cascading == []


class TestTopLevel:
    def test_holds_only_what_the_house_allows(self):
        listed = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.split()
        if not listed:
            pytest.skip("not a git checkout")
        allowed = {
            *APPS,
            *("manage.py", "pyproject.toml", "Makefile", "README.md", "requirements", "templates"),
            *(
                "static",
                "tests",
                "docs",
                "locale",
                "deploy",
                ".ci",
                ".gitignore",
                ".gitattributes",
            ),
        }

        assert {name.split("/")[0] for name in listed} - allowed == set()


class TestClock:
    def test_only_doors_read_the_clock(self):
        """`datetime.now` and `date.today` would slip past the ban on `timezone.now`."""
        readers = []
        for path in _files("*.py", "members", "loyalty", "rewards", "campaigns"):
            if {"admin", "api", "portal", "management", "templatetags"} & set(path.parts):
                continue
            readers += [
                f"{path.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined]
                for node in ast.walk(ast.parse(path.read_text()))
                if _reads_clock(node)
            ]

        assert [each for each in readers if "tasks.py" not in each] == []


def _reads_clock(node: Any) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today", "localdate", "localtime"}
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date", "timezone"}
        and not (node.func.attr in {"localdate", "localtime"} and node.args)
    )
