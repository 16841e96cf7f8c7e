"""Segments over the API: made, changed, refreshed, and their members found."""

from typing import Any

import pytest

from campaigns import segmenting
from campaigns.models import Segment, SegmentMember
from members.models import Job, Member
from tests.tills import Till, pointers

RICH = {"all": [{"field": "active", "op": "gt", "value": 500}]}
BODY: dict[str, Any] = {"code": "rich", "name": "有积分的", "rules": RICH}


def numbers(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [member["number"] for member in answer.json()["results"]]


class TestMake:
    def test_finds_its_members_at_once(self, till: Till, ada: Member, bob: Member):
        answer = till.post("segments", BODY)

        assert answer.status_code == 201
        made = answer.json()
        assert made.pop("refreshed_at")
        assert made == {
            **BODY,
            "description": "",
            "group": "",
            "position": 0,
            "size": 1,
            "job": None,
        }
        assert numbers(till.get("members", segment="rich")) == [ada.number]
        assert SegmentMember.objects.filter(segment__code="rich").get().member == ada

    def test_takes_common_spellings(self, till: Till, ada: Member):
        rules = {"any": [{"field": "points", "op": ">=", "value": 1000}]}

        made = till.post("segments", {**BODY, "rules": rules}).json()

        assert made["rules"] == {"any": [{"field": "active", "op": "gte", "value": 1000}]}
        assert made["size"] == 1

    def test_is_left_to_a_job_in_a_large_shop(
        self,
        till: Till,
        ada: Member,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ):
        monkeypatch.setattr(segmenting, "SMALL", 0)
        with django_capture_on_commit_callbacks(execute=True):
            made = till.post("segments", BODY).json()

        assert made["size"] is None
        assert till.get(f"jobs/{made['job']}").json()["result"] == {"segments": 1, "members": 1}
        assert till.get("segments/rich").json()["size"] == 1
        assert numbers(till.get("members", segment="rich")) == [ada.number]

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"code": "new"}, "/code", "taken"),
            ({"code": "a b"}, "/code", "invalid"),
            ({"code": None}, "/code", "null"),
            ({"name": ""}, "/name", "blank"),
            ({"name": 5}, "/name", "invalid"),
            ({"rules": None}, "/rules", "null"),
            ({"rules": []}, "/rules", "invalid"),
            (
                {"rules": {"all": [{"field": "x", "op": "gt", "value": 1}]}},
                "/rules/all/0/field",
                "unknown",
            ),
            (
                {"rules": {"all": [{"field": "active", "op": "gt", "value": "1"}]}},
                "/rules/all/0/value",
                "invalid",
            ),
            ({"position": -1}, "/position", "too_small"),
            ({"description": "x" * 301}, "/description", "max_length"),
        ],
    )
    def test_names_what_is_wrong_and_writes_nothing(
        self, till: Till, change: dict[str, Any], pointer: str, code: str
    ):
        answer = till.post("segments", {**BODY, **change})

        assert answer.status_code == 400
        assert pointers(answer) == {pointer: code}
        assert Segment.objects.count() == 4

    @pytest.mark.parametrize("name", ["code", "name", "rules"])
    def test_needs_code_name_and_rules(self, till: Till, name: str):
        answer = till.post("segments", {key: BODY[key] for key in BODY if key != name})

        assert pointers(answer) == {f"/{name}": "required"}


class TestChange:
    @pytest.mark.parametrize(
        ("path", "named"), [("segments/rich", {}), ("segments", {"code": "rich"})]
    )
    def test_of_the_rules_finds_its_members_anew(
        self, till: Till, ada: Member, bob: Member, path: str, named: dict[str, str]
    ):
        till.post("segments", BODY)

        answer = till.patch(path, {**named, "rules": {"not": RICH}})

        assert answer.status_code == 200
        assert answer.json()["size"] == 1
        assert numbers(till.get("members", segment="rich")) == [bob.number]

    def test_of_the_name_alone_leaves_them(self, till: Till, ada: Member):
        before = till.post("segments", BODY).json()

        after = till.patch("segments/rich", {"name": "Rich"}).json()

        assert after == {**before, "name": "Rich"}

    def test_in_a_group_reaches_the_others(self, till: Till, ada: Member, bob: Member):
        till.post("segments", {**BODY, "group": "g", "position": 1})
        rest = {"code": "rest", "name": "Rest", "rules": {"all": []}, "group": "g", "position": 2}
        assert till.post("segments", rest).json()["size"] == 1

        till.patch("segments/rich", {"rules": {"not": {"all": []}}})
        assert till.get("segments/rest").json()["size"] == 2
        till.patch("segments/rich", {"rules": RICH})
        till.patch("segments/rich", {"group": ""})

        assert till.get("segments/rest").json()["size"] == 2
        assert till.get("segments/rich").json()["size"] == 1

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"code": "other"}, "/code"),
            ({"rules": {"any": []}}, "/rules/any"),
            ({"size": 5}, "/size"),
            ({"name": None}, "/name"),
        ],
    )
    def test_refuses_what_is_wrong(self, till: Till, change: dict[str, Any], pointer: str):
        answer = till.patch("segments/new", change)

        assert answer.status_code == 400
        assert set(pointers(answer)) == {pointer}

    def test_of_an_unknown_one_is_404(self, till: Till):
        assert till.patch("segments/nothing", {"name": "x"}).status_code == 404
        assert pointers(till.patch("segments", {"code": "nothing"})) == {"/code": "not_found"}
        assert till.get("segments/nothing").status_code == 404


class TestList:
    def test_has_the_classic_ones_and_comes_in_pages(self, till: Till):
        first = till.get("segments", page_size="3").json()
        second = till.get(first["next"]).json()

        codes = [each["code"] for each in first["results"] + second["results"]]
        assert codes == ["dormant", "high_value", "potential", "new"]


class TestRefresh:
    def test_is_a_job(self, till: Till, ada: Member, django_capture_on_commit_callbacks: Any):
        with django_capture_on_commit_callbacks(execute=True):
            answer = till.post("segments/new/refresh")

        assert answer.status_code == 202
        assert answer.json()["state"] == "queued"
        job = till.get(f"jobs/{answer.json()['id']}").json()
        assert (job["state"], job["result"]) == ("done", {"segments": 1, "members": 1})
        assert till.get("segments/new").json()["size"] == 1

    def test_of_an_unknown_one_is_404_and_no_job(self, till: Till):
        assert till.post("segments/nothing/refresh").status_code == 404
        assert not Job.objects.exists()


class TestMembersOfASegment:
    def test_are_those_of_now(self, till: Till):
        made = till.post("members", {"phone": "+8613800000077"}).json()
        assert numbers(till.get("members", segment="new")) == [made["number"]]
        assert numbers(till.get("members", segment="dormant")) == []

        Member.objects.update(enrolled_at="2020-11-01T00:00:00Z")

        assert numbers(till.get("members", segment="new")) == []

    def test_of_an_unknown_segment_are_bad_input(self, till: Till):
        for code in ("nothing", "a b", "x" * 300):
            answer = till.get("members", segment=code)
            assert answer.status_code == 400
            assert set(pointers(answer)) == {"/segment"}

    def test_come_in_pages_beside_other_filters(self, till: Till, ada: Member, bob: Member):
        till.post("segments", {"code": "all", "name": "All", "rules": {"all": []}})

        first = till.get("members", segment="all", page_size="1").json()
        second = till.get(first["next"]).json()
        gold = till.get("members", segment="all", tier="gold")

        found = [each["number"] for each in first["results"] + second["results"]]
        assert found == [bob.number, ada.number]
        assert numbers(gold) == []


class TestTags:
    def test_are_set_shown_and_asked_for(self, till: Till, ada: Member):
        answer = till.patch(f"members/{ada.number}", {"tags": ["vip", " coffee ", "vip"]})
        till.post(
            "segments",
            {
                "code": "vips",
                "name": "VIP",
                "rules": {"all": [{"field": "tags", "op": "has", "value": "vip"}]},
            },
        )

        assert answer.json()["tags"] == ["vip", "coffee"]
        assert numbers(till.get("members", segment="vips")) == [ada.number]
        assert till.patch(f"members/{ada.number}", {"tags": []}).json()["tags"] == []
        assert numbers(till.get("members", segment="vips")) == []

    def test_may_come_with_the_enrolment(self, till: Till):
        made = till.post("members", {"phone": "+8613800000077", "tags": ["vip"]}).json()

        assert made["tags"] == ["vip"]

    @pytest.mark.parametrize(
        ("tags", "pointer"),
        [
            ("vip", "/tags"),
            (None, "/tags"),
            ([5], "/tags/0"),
            (["ok", ""], "/tags/1"),
            (["a,b"], "/tags/0"),
            (["x" * 51], "/tags/0"),
            (["x"] * 51, "/tags"),
        ],
    )
    def test_are_read_strictly(self, till: Till, ada: Member, tags: Any, pointer: str):
        answer = till.patch(f"members/{ada.number}", {"tags": tags})

        assert answer.status_code == 400
        assert set(pointers(answer)) == {pointer}
        ada.refresh_from_db()
        assert ada.tags == []
