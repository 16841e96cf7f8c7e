"""Draws for tests, made by the verbs."""

from datetime import datetime
from typing import Any

from members.models import Member
from rewards import draw_editing, draws
from rewards.models import Draw, DrawPlay
from tests.conftest import NOON

NOTHING = {"name": "Nothing", "kind": "nothing", "weight": 1}


def points(name: str, sum: int, **said: Any) -> dict[str, Any]:
    """A prize of points."""
    return {"name": name, "kind": "points", "points": sum, "weight": 1, **said}


def reward(code: str, **said: Any) -> dict[str, Any]:
    """A prize that is a reward."""
    return {"name": code, "kind": "reward", "reward": code, "weight": 1, **said}


def new_draw(code: str = "autumn", *, at: datetime = NOON, **changes: Any) -> Draw:
    """A draw from 10 points that gives nothing, open from its making."""
    said = {"code": code, "name": code.upper(), "points": 10, "prizes": [NOTHING], **changes}
    return draw_editing.create(changes=said, at=at)


def go(member: Member, draw: Draw, reference: str, *, at: datetime = NOON) -> DrawPlay:
    """A go at a draw."""
    asked = draws.PlayRequest(member=member.number, draw=draw.code, reference=reference)
    return draws.play(request=asked, at=at).play
