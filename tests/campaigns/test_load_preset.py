"""`manage.py load_preset`."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import translation

from rewards import catalogue
from tests.conftest import NOON
from tests.loyalty.builders import program

pytestmark = pytest.mark.django_db


def load(name: str) -> list[str]:
    out = StringIO()
    call_command("load_preset", name, stdout=out)
    return out.getvalue().splitlines()


class TestLoadPreset:
    def test_says_what_it_changed_of_what_was_there(self) -> None:
        ours = {"code": "ten-yuan", "name": "10 元抵用金", "kind": "coupon", "points": 900}
        catalogue.create(changes=ours, at=NOON)

        said = load("snack_bar")

        assert "以下内容原已存在，现已改动：" in said
        assert said[-1].startswith("  兑换商品“10 元抵用金”：名称 10 元抵用金 → 10 元券；")
        assert "积分价格 900 → 1,000" in said[-1]
        assert not any("原已存在" in line for line in load("snack_bar"))

    def test_says_what_waits_for_approval(self) -> None:
        program(campaigns_need_approval=True)

        with translation.override("en"):
            said = load("snack_bar")

        assert sum("campaign that waits for approval" in line for line in said) == 2
