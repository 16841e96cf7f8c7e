"""Segments and points for them at the console."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from campaigns import segmenting
from campaigns.models import Handout, Segment, SegmentMember
from loyalty.models import Entry
from members.models import Job, Member, User
from tests.console import desk, errors_of, filled

SEGMENTS = "/console/campaigns/segment/"
HANDOUTS = "/console/campaigns/handout/"


def rows(*conditions: tuple[str, ...], match: str = "all", **more: str) -> dict[str, str]:
    """What a browser sends for these rows."""
    sent = {"rules-match": match, "rules-json": "", **more}
    for place, said in enumerate(conditions):
        for part, value in zip(("field", "op", "value", "days"), said, strict=False):
            sent[f"rules-{place}-{part}"] = value
    return sent


def page_of(row: Any) -> str:
    return f"{SEGMENTS if isinstance(row, Segment) else HANDOUTS}{row.pk}/change/"


def english(role: str) -> Client:
    """The browser of somebody of this role who reads English."""
    client = desk(role)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def made(client: Client, *conditions: tuple[str, ...], **more: str) -> Any:
    said = {"code": "rich", "name": "有积分的", "description": "", "group": "", "position": "0"}
    return client.post(f"{SEGMENTS}add/", {**said, **rows(*conditions, **more)})


class TestRules:
    def test_are_rows_of_the_form(self, ada: Member, bob: Member):
        answer = made(
            desk("manager"),
            ("active", "gte", "1,000"),
            ("", "gt", "5"),
            ("tier", "in", "普通、gold"),
            ("spend", "lt", "¥1,000.50", "30"),
            ("birthday_known", "eq", "否"),
            ("orders", "between", "0 - 5"),
            ("tags", "has_none", "vip，staff only"),
        )

        assert answer.status_code == 302, errors_of(answer)
        segment = Segment.objects.get(code="rich")
        assert segment.rules == {
            "all": [
                {"field": "active", "op": "gte", "value": 1000},
                {"field": "tier", "op": "in", "value": ["base", "gold"]},
                {"field": "spend", "op": "lt", "value": "1000.50", "days": 30},
                {"field": "birthday_known", "op": "eq", "value": False},
                {"field": "orders", "op": "between", "value": [0, 5]},
                {"field": "tags", "op": "has_none", "value": ["vip", "staff only"]},
            ]
        }
        assert SegmentMember.objects.get(segment=segment).member == ada
        assert segment.size == 1

    def test_are_shown_as_they_were_sent(self, db: None):
        client = desk("manager")
        conditions = [
            ("active", "gt", "10000"),
            ("birthday_month", "in", "this, 5"),
            ("bought_in", "in", "SH-1"),
        ]
        from members import stores

        stores.create(changes={"code": "SH-1", "name": "静安寺店"})
        made(client, *conditions, match="any")
        segment = Segment.objects.get(code="rich")
        page = client.get(page_of(segment)).content.decode()

        for place, (field, op, value) in enumerate(conditions):
            row = page.split(f'name="rules-{place}-field"')[1].split("data-rule-remove")[0]
            assert f'value="{field}"' in row.split(" selected")[0].rsplit("<option", 1)[1]
            assert f'<option value="{op}" selected>' in row
            assert f'value="{value}"' in row
        assert '<option value="any" selected>' in page
        before = segment.rules
        sent = {"name": "New", "description": "", "group": "", "position": "0"}
        assert (
            client.post(page_of(segment), {**sent, **rows(*conditions, match="any")}).status_code
            == 302
        )
        segment.refresh_from_db()
        assert (segment.name, segment.rules) == ("New", before)

    def test_can_be_json_for_groups_within_groups(self, ada: Member):
        client = desk("manager")
        text = '{"not": {"any": [{"field": "orders", "op": ">", "value": 0}]}}'
        assert made(client, ("active", "gt", "5"), **{"rules-json": text}).status_code == 302

        segment = Segment.objects.get(code="rich")
        assert segment.rules == {"not": {"any": [{"field": "orders", "op": "gt", "value": 0}]}}
        assert "&quot;not&quot;" in client.get(page_of(segment)).content.decode()

    @pytest.mark.parametrize(
        ("sent", "said"),
        [
            (rows(("active", "gt", "5"), ("orders", "gt", "many")), "Condition 2:"),
            (rows(("active", "gt", "")), "Condition 1:"),
            (rows(("colour", "gt", "5")), "Condition 1:"),
            (rows(("tier", "in", "白金")), "Condition 1:"),
            (rows(("active", "gt", "5", "30")), "Condition 1:"),
            (rows(("orders", "gt", "5", "soon")), "Condition 1:"),
            (rows(("orders", "between", "5")), "Condition 1:"),
            (rows(**{"rules-json": "{"}), "JSON"),
            (rows(**{"rules-json": "[]"}), ""),
            (rows(match="any"), ""),
        ],
    )
    def test_that_are_wrong_are_said_at_the_rules(self, db: None, sent: dict[str, str], said: str):
        data = {"code": "rich", "name": "x", "position": "0", **sent}
        answer = english("manager").post(f"{SEGMENTS}add/", data)

        assert list(errors_of(answer)) == ["rules"]
        assert said in errors_of(answer)["rules"][0]
        assert Segment.objects.count() == 4

    def test_keep_what_was_typed_when_something_is_wrong(self, db: None):
        page = made(desk("manager"), ("active", "gt", "lots"), ("tags", "has", "vip"))

        assert 'value="lots"' in page.content.decode()
        assert 'value="vip"' in page.content.decode()


class TestPreview:
    def test_counts_and_saves_nothing(self, ada: Member, bob: Member):
        client = desk("manager")
        sent = rows(("active", "gt", "500"))

        whole = client.post(f"{SEGMENTS}preview/", sent)
        part = client.post(f"{SEGMENTS}preview/", sent, headers={"HX-Request": "true"})

        assert whole.context["count"] == part.context["count"] == 1
        assert "<html" in whole.content.decode()
        assert "<html" not in part.content.decode()
        assert Segment.objects.count() == 4

    def test_says_what_is_wrong(self, db: None):
        page = english("manager").post(f"{SEGMENTS}preview/", rows(("active", "gt", "x")))

        assert "Condition 1:" in page.content.decode()

    def test_is_not_for_clerks(self, db: None):
        assert desk("clerk").post(f"{SEGMENTS}preview/", rows()).status_code == 403


class TestPages:
    def test_refresh_is_a_button(self, db: None, ada: Member):
        client = desk("manager")
        Member.objects.update(enrolled_at="2020-01-01T00:00:00Z")
        everybody = Segment.objects.create(code="all", name="All", rules={"all": []})

        assert client.get(f"{SEGMENTS}{everybody.pk}/refresh/").status_code == 403
        assert desk("clerk").post(f"{SEGMENTS}{everybody.pk}/refresh/").status_code == 403
        assert client.post(f"{SEGMENTS}{everybody.pk}/refresh/").status_code == 302

        everybody.refresh_from_db()
        assert everybody.size == 1

    def test_a_large_shop_is_refreshed_by_a_job(
        self, ada: Member, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(segmenting, "SMALL", 0)
        segment = Segment.objects.get(code="new")
        answer = desk("manager").post(f"{SEGMENTS}{segment.pk}/refresh/")

        assert answer["Location"] == f"/console/members/job/{Job.objects.get().pk}/change/"

    def test_members_come_in_pages(
        self, ada: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
    ):
        from campaigns.admin import segment as screen

        monkeypatch.setattr(screen, "SHOWN", 1)
        everybody = Segment.objects.create(code="all", name="All", rules={"all": []})
        client = desk("manager")
        first = client.get(f"{SEGMENTS}{everybody.pk}/people/")
        second = client.get(
            f"{SEGMENTS}{everybody.pk}/people/", {"after": first.context["following"]}
        )

        found = [*first.context["members"], *second.context["members"]]
        assert [each.name for each in found] == sorted(
            ["Ada", "Bob"], key=[ada.name, bob.name].index
        )
        assert second.context["following"] is None

    def test_tags_are_edited_at_the_member(self, bob: Member):
        client = desk("manager")
        page = f"/console/members/member/{bob.pk}/change/"
        answer = client.post(page, filled(client.get(page), tags="vip，coffee 、 tea, "))
        bob.refresh_from_db()

        assert answer.status_code == 302
        assert bob.tags == ["vip", "coffee", "tea"]
        assert "vip,coffee,tea" in client.get(page).content.decode()
        client.post(page, filled(client.get(page), tags=""))
        bob.refresh_from_db()
        assert bob.tags == []


class TestHandouts:
    def planned(self, client: Client, **changes: str) -> Any:
        everybody, _ = Segment.objects.get_or_create(code="all", name="All", rules={"all": []})
        said = {
            "code": "gift",
            "title": "国庆礼",
            "segment": str(everybody.pk),
            "points": "50",
            "expires_at_0": "",
            "expires_at_1": "",
        }
        return client.post(f"{HANDOUTS}add/", {**said, **changes})

    def test_are_planned_looked_at_and_given(
        self, ada: Member, bob: Member, django_capture_on_commit_callbacks: Any
    ):
        client = desk("owner")
        assert self.planned(client).status_code == 302
        handout = Handout.objects.get()
        give = f"{HANDOUTS}{handout.pk}/give/"
        page = client.get(give)
        assert (page.context["preview"].members, page.context["preview"].points) == (2, 100)
        assert not Entry.objects.filter(reference="handout/gift").exists()

        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(give)

        job = Job.objects.get()
        assert answer["Location"] == f"/console/members/job/{job.pk}/change/"
        assert job.requested_by == "owner"
        assert Entry.objects.filter(reference="handout/gift").count() == 2
        assert client.get(page_of(handout)).status_code == 200
        assert client.get(f"{HANDOUTS}{handout.pk}/follow/")["Location"] == answer["Location"]

    def test_begin_once(self, bob: Member):
        client = english("owner")
        self.planned(client)
        give = f"{HANDOUTS}{Handout.objects.get().pk}/give/"
        client.post(give)
        again = client.post(give, follow=True)

        assert Job.objects.count() == 1
        assert "has already begun" in again.content.decode()
        changed = client.post(page_of(Handout.objects.get()), {"title": "x", "points": "9"})
        assert changed.status_code == 200
        assert Handout.objects.get().title == "国庆礼"

    def test_are_given_only_by_who_may(self, bob: Member):
        client = desk("manager")
        assert self.planned(client).status_code == 302
        give = f"{HANDOUTS}{Handout.objects.get().pk}/give/"
        assert client.post(give).status_code == 403
        assert not Job.objects.exists()

        manager = User.objects.get(username="manager")
        manager.user_permissions.add(Permission.objects.get(codename="give_handout"))

        assert client.post(give).status_code == 302
        assert Job.objects.count() == 1

    def test_say_what_is_wrong_at_its_field(self, db: None):
        client = desk("owner")
        assert list(errors_of(self.planned(client, points="0"))) == ["points"]
        assert list(errors_of(self.planned(client, code="a b"))) == ["code"]
        assert not Handout.objects.exists()
