"""Donation projects over the API."""

from typing import Any

import pytest

from loyalty.models import Donation
from members.models import Member
from rewards.models import DonationProject
from tests.loyalty.builders import books
from tests.rewards.test_projects import donate
from tests.tills import Till, pointers

FOREST = {"code": "forest", "name": "Forest", "goal_points": 900, "story": "Trees"}


def donation(of: Member, **changes: Any) -> dict[str, Any]:
    return {"member": of.number, "points": 300, "project": "forest", "reference": "D", **changes}


class TestProjects:
    def test_are_begun_and_told_with_what_they_raised(self, till: Till, ada: Member):
        made = till.post("projects", FOREST)
        assert made.status_code == 201
        assert made.json() == {
            **FOREST,
            "summary": "",
            "art": "tree",
            "raised_points": 0,
            "donors": 0,
            "share": "0",
            "starts_at": None,
            "ends_at": None,
            "active": True,
            "is_open": True,
        }
        till.post("projects", {"code": "sea", "name": "Sea"})
        donate(ada)
        sea, forest = till.get("projects").json()["results"]
        assert (sea["code"], sea["share"]) == ("sea", None)
        assert till.get("projects/forest").json() == forest
        assert (forest["raised_points"], forest["donors"], forest["share"]) == (300, 1, "0.3333")

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"code": "a b"}, "/code"),
            ({"name": ""}, "/name"),
            ({"goal_points": 0}, "/goal_points"),
            ({"goal_points": 1.5}, "/goal_points"),
            ({"ends_at": "2026-11-21T12:00:00"}, "/ends_at"),
            ({"art": "x"}, "/art"),
        ],
    )
    def test_that_cannot_be_meant_are_400(self, till: Till, changes: dict[str, Any], pointer: str):
        response = till.post("projects", {**FOREST, **changes})
        assert (response.status_code, list(pointers(response))) == (400, [pointer])
        assert not DonationProject.objects.exists()

    def test_are_changed_by_address_or_by_name(self, till: Till):
        till.post("projects", FOREST)
        changed = till.patch("projects/forest", {"goal_points": None})
        assert (changed.status_code, changed.json()["goal_points"]) == (200, None)
        changed = till.patch("projects", {"code": "forest", "active": False})
        assert (changed.status_code, changed.json()["is_open"]) == (200, False)
        assert till.patch("projects/sea", {"active": False}).status_code == 404
        assert till.get("projects/sea").status_code == 404


class TestDonate:
    def test_counts_for_the_project_its_code_names(self, till: Till, ada: Member):
        till.post("projects", FOREST)
        assert till.post("donations", donation(ada)).status_code == 201
        entry = till.get(f"members/{ada.number}/entries", kind="donate").json()["results"][0]
        assert entry["title"] == "Donated to Forest"
        assert till.get("projects/forest").json()["raised_points"] == 300

    def test_to_one_that_is_over_is_422_and_takes_nothing(self, till: Till, ada: Member):
        till.post("projects", {**FOREST, "ends_at": "2026-11-01T00:00:00+08:00"})
        before = books()
        response = till.post("donations", donation(ada))
        assert (response.status_code, response.json()["code"]) == (422, "not_on_sale")
        assert response.json()["project"] == "forest"
        assert (books(), Donation.objects.count()) == (before, 0)
        assert till.post("donations", donation(ada, project="other")).status_code == 201
