"""`manage.py check_draw`."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from members.models import Member
from rewards import draw_rounds
from rewards.models import DrawPlay, DrawRound
from tests.conftest import NOON
from tests.rewards.draws import NOTHING, go, new_draw, points


def check(round_: str, language: str = "en") -> str:
    said = io.StringIO()
    with translation.override(language):
        call_command("check_draw", round_, stdout=said)
    return said.getvalue()


class TestCheckDraw:
    def test_prints_every_ticket_and_that_all_is_right(self, ada: Member):
        draw = new_draw(prizes=[points("Five", 5), NOTHING])
        played = [go(ada, draw, f"r{number}") for number in range(3)]
        draw_rounds.close_by_hand(draw=draw, at=NOON)
        said = check("autumn-1")
        for each in played:
            assert f"{each.number} {ada.number} {each.digest} {each.prize.name}" in said
        assert DrawRound.objects.get(number=1).seed in said
        assert said.endswith("3 tickets drawn again: every one as published.\n")

    def test_speaks_chinese_throughout(self, ada: Member):
        draw = new_draw(prizes=[points("五分", 5)])
        go(ada, draw, "r1")
        draw_rounds.close_by_hand(draw=draw, at=NOON)
        said = check("autumn-1", "zh-hans")
        names = [line.split(":")[0] for line in said.splitlines()]
        assert names[:4] == ["期", "种子的 SHA-256", "种子", "算法"]
        assert names[4].startswith("奖品 ")
        assert said.endswith("已重新开出 1 张奖券，与公布的完全一致。\n")

    def test_ends_with_an_error_where_something_differs(self, ada: Member):
        draw = new_draw()
        go(ada, draw, "r1")
        draw_rounds.close_by_hand(draw=draw, at=NOON)
        DrawPlay.objects.update(digest="0" * 64)
        with pytest.raises(CommandError, match="ticket 1 draws"):
            check("autumn-1")

    def test_tells_no_seed_of_an_open_round(self, db: None):
        new_draw()
        with pytest.raises(CommandError, match="open"):
            check("autumn-1")
        with pytest.raises(CommandError):
            check("gone-1")
