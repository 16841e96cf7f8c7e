"""Draws at the console: prizes inline, forecast, opening and closing."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from members.models import Member
from rewards import draw_queries, draw_rounds
from rewards.models import Draw, DrawPrize, DrawRound, Reward
from tests.conftest import NOON
from tests.console import desk, filled
from tests.rewards.conftest import new_reward
from tests.rewards.draws import NOTHING, go, new_draw, points, reward

ADD = "/console/rewards/draw/add/"


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        yield


def page_of(row: Any, end: str = "change") -> str:
    return f"/console/rewards/{row._meta.model_name}/{row.pk}/{end}/"


def prizes(*rows: dict[str, Any], known: int = 0) -> dict[str, str]:
    """The fields of the prizes as a browser sends them; `known` of them were there before."""
    sent = {
        "prizes-TOTAL_FORMS": str(len(rows)),
        "prizes-INITIAL_FORMS": str(known),
        "prizes-MIN_NUM_FORMS": "0",
        "prizes-MAX_NUM_FORMS": "50",
    }
    for place, row in enumerate(rows):
        said = {"name": "", "kind": "nothing", "weight": "1", **row}
        sent |= {f"prizes-{place}-{name}": str(value) for name, value in said.items()}
    return sent


def shown(client: Client, draw: Draw) -> list[dict[str, Any]]:
    """The prizes as the page shows them, to be sent back."""
    (formset,) = [
        each.formset for each in client.get(page_of(draw)).context["inline_admin_formsets"]
    ]
    rows = []
    for form in formset.initial_forms:
        row = {"id": form.instance.pk}
        for field in form.visible_fields():
            if field.name == "DELETE":
                continue
            value = field.value()
            row[field.name] = "" if value is None else value
        stock = "" if form.instance.stock is None else form.instance.stock
        rows.append(row | {"stock": stock})
        # What the browser keeps of the stock that was shown.
        rows[-1] |= {"initial-stock": stock}
    return rows


def sent(rows: list[dict[str, Any]], known: int) -> dict[str, str]:
    """Shown rows as a browser sends them."""
    found = prizes(
        *[{k: v for k, v in row.items() if k != "initial-stock"} for row in rows], known=known
    )
    for place, row in enumerate(rows):
        if "initial-stock" in row:
            found[f"initial-prizes-{place}-stock"] = str(row["initial-stock"])
    return found


class TestForm:
    def test_makes_a_draw_with_its_prizes_that_nobody_can_play_yet(self, db: None):
        client = desk("manager")
        mug = new_reward("mug", stock=5)
        rows = prizes(
            {
                "name": "杯子",
                "kind": "reward",
                "reward": mug.pk,
                "weight": 2,
                "stock": 3,
                "position": 2,
            },
            {"name": "五积分", "kind": "points", "points": 5, "position": 1},
            {"name": "谢谢"},
        )
        said = filled(client.get(ADD), code="autumn", name="秋日", points="10")
        answer = client.post(ADD, said | rows)
        assert answer.status_code == 302
        draw = Draw.objects.get()
        # Where the forecast stands and the button that opens it.
        assert answer["Location"] == page_of(draw)
        assert "尚未开放" in client.get(page_of(draw)).content.decode()
        assert (draw.points, draw.active) == (10, False)
        found = draw_queries.prizes_of(draw)
        assert [each.name for each in found] == ["五积分", "杯子", "谢谢"]
        assert [each.stock for each in found] == [None, 3, None]
        assert not DrawRound.objects.exists()
        assert Reward.objects.get().stock == 5

    def test_names_every_input_of_a_prize(self, db: None):
        text = desk("manager").get(page_of(new_draw())).content.decode()
        for name in ("position", "name", "kind", "reward", "points", "weight", "stock"):
            (tag,) = re.findall(rf'<(?:input|select)[^>]*\sname="prizes-0-{name}"[^>]*>', text)
            assert "aria-label=" in tag

    def test_leaves_out_a_row_in_which_nothing_was_typed(self, db: None):
        client = desk("manager")
        said = {"code": "wheel", "name": "转盘", "points": "10"}
        rows = prizes({"name": "谢谢"}, {"kind": "reward", "weight": ""})
        answer = client.post(ADD, filled(client.get(ADD), **said) | rows)
        assert answer.status_code == 302
        assert list(DrawPrize.objects.values_list("name", flat=True)) == ["谢谢"]

    def test_that_is_wrong_in_a_prize_stores_nothing_and_says_where(self, db: None):
        client = desk("owner")
        mug = new_reward("mug", stock=5)
        rows = prizes(
            {"name": "谢谢"}, {"name": "杯子", "kind": "reward", "reward": mug.pk, "weight": 2}
        )
        said = filled(client.get(ADD), code="autumn", name="秋日", points="10")
        answer = client.post(ADD, said | rows)
        assert answer.status_code == 200
        (formset,) = [each.formset for each in answer.context["inline_admin_formsets"]]
        assert list(formset.forms[1].errors) == ["stock"]
        assert not Draw.objects.exists()
        assert not DrawPrize.objects.exists()

    def test_that_changes_the_name_alone_leaves_the_round(self, ada: Member):
        draw = new_draw(prizes=[points("A", 5, stock=9), NOTHING])
        client = desk("owner")
        rows = shown(client, draw)
        said = filled(client.get(page_of(draw)), name="New")
        # Meanwhile somebody wins.
        while not DrawPrize.objects.filter(name="A", stock__lt=9).exists():
            go(ada, draw, f"r{DrawRound.objects.get().tickets}")
        answer = client.post(page_of(draw), said | sent(rows, 2))
        assert answer.status_code == 302
        assert Draw.objects.get().name == "New"
        assert DrawRound.objects.get().closed_at is None

    def test_that_changes_a_prize_opens_the_next_round(self, db: None):
        draw = new_draw(prizes=[points("A", 5, stock=9), NOTHING])
        client = desk("owner")
        rows = shown(client, draw)
        rows[1]["weight"] = 3
        answer = client.post(page_of(draw), filled(client.get(page_of(draw))) | sent(rows, 2))
        assert answer.status_code == 302
        assert [each.weight for each in draw_queries.prizes_of(draw)] == [1, 3]
        assert DrawRound.objects.count() == 2

    def test_that_no_stock_covers_changes_nothing(self, db: None):
        new_reward("mug", stock=5)
        draw = new_draw(prizes=[reward("mug", stock=3), NOTHING])
        client = desk("owner")
        rows = shown(client, draw)
        rows[0]["stock"] = 6
        said = filled(client.get(page_of(draw)), name="New")
        answer = client.post(page_of(draw), said | sent(rows, 2))
        assert answer.status_code == 200
        assert "MUG" in answer.content.decode()
        assert Draw.objects.get().name == "AUTUMN"
        assert DrawRound.objects.get().closed_at is None


class TestForecast:
    def test_says_what_it_costs_before_it_opens(self, db: None):
        draw = new_draw(active=False, prizes=[points("A", 1_000, weight=1, stock=2), NOTHING])
        client = desk("clerk")
        text = client.get(f"{page_of(draw)}?goes=4").content.decode()
        # A go gives half of ¥10; four give both prizes: ¥20; their points are worth ¥0.40.
        for words in ("¥5.00", "¥20.00", "¥0.40", "不会再有更多成本"):
            assert words in text or words.replace(".00", "") in text
        assert client.get(f"{page_of(draw)}?goes=x").status_code == 200


class TestSteps:
    def test_opens_closes_and_stops(self, db: None):
        draw = new_draw(active=False)
        client = desk("manager")
        for step, rounds, is_open in (
            ("open_round", 1, True),
            ("close_round", 2, True),
            ("stop", 2, False),
        ):
            assert client.get(page_of(draw, step)).status_code == 200
            assert client.post(page_of(draw, step)).status_code == 302
            assert DrawRound.objects.count() == rounds
            assert (draw_queries.open_round(draw) is not None) is is_open
        assert not Draw.objects.get().active

    def test_that_is_refused_says_why(self, db: None):
        draw = new_draw(active=False, prizes=[])
        answer = desk("owner").post(page_of(draw, "open_round"), follow=True)
        assert "抽奖还没有奖品，请先添加。" in answer.content.decode()
        assert not DrawRound.objects.exists()

    def test_is_not_for_clerks(self, db: None):
        draw = new_draw()
        client = desk("clerk")
        for step in ("open_round", "close_round", "stop"):
            assert client.post(page_of(draw, step)).status_code in (302, 403)
        assert DrawRound.objects.get().closed_at is None


class TestLists:
    def test_tell_no_seed_before_the_round_is_closed(self, ada: Member):
        draw = new_draw()
        go(ada, draw, "r1")
        client = desk("owner")
        round_ = DrawRound.objects.get()
        for path in (page_of(round_), page_of(draw), "/console/rewards/drawround/"):
            assert round_.seed not in client.get(path).content.decode()
        draw_rounds.close_by_hand(draw=draw, at=NOON)
        assert round_.seed in client.get(page_of(round_)).content.decode()

    def test_mask_members(self, ada: Member):
        played = go(ada, new_draw(), "r1")
        client = desk("owner")
        for path in ("/console/rewards/drawplay/", page_of(played)):
            text = client.get(path).content.decode()
            assert ada.number not in text
            assert ada.number[-4:] in text
        found = client.get("/console/rewards/drawplay/", {"q": "autumn-1"})
        assert "autumn-1 · 1" in found.content.decode()
