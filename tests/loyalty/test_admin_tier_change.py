"""The console's screen of tier histories, and the form that gives a tier by hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from loyalty import ordering, tier_grants
from members.models import Member, Tier, TierChange
from tests.console import desk, errors_of, filled
from tests.loyalty import builders

ADD = "/console/members/tierchange/add/"
LIST = "/console/members/tierchange/"


def send(client: Client, member: Member, **said: Any) -> Any:
    page = client.get(ADD, {"member": member.pk})
    return client.post(f"{ADD}?member={member.pk}", filled(page, **said))


def key(code: str) -> int:
    return Tier.objects.get(code=code).pk


def page_of(client: Client, member: Member) -> Any:
    return client.get(f"/console/members/member/{member.pk}/change/")


class TestGive:
    def test_gives_a_tier_through_a_day_with_the_reason(self, bob: Member):
        client = desk("manager")
        last = timezone.localdate() + timedelta(days=30)

        answer = send(client, bob, tier=key("gold"), until=str(last), note="老顾客")

        assert answer["Location"] == f"/console/members/member/{bob.pk}/change/"
        member = Member.objects.select_related("tier").get(pk=bob.pk)
        assert member.tier.code == "gold"
        assert member.tier_floor_until is not None
        assert timezone.localtime(member.tier_floor_until).date() == last + timedelta(days=1)
        change = TierChange.objects.get(member=bob, reason="given")
        assert (change.by, change.details["note"]) == ("manager", "老顾客")
        text = page_of(client, bob).content.decode()
        assert "老顾客" in text
        assert "manager" in text

    def test_takes_it_away(self, bob: Member):
        client = desk("owner")
        send(client, bob, tier=key("gold"), note="VIP")

        send(client, bob, tier="", note="a mistake")

        member = Member.objects.select_related("tier").get(pk=bob.pk)
        assert (member.tier.code, member.tier_floor) == ("base", None)

    def test_refuses_to_take_away_what_was_not_given(self, bob: Member):
        answer = send(desk("owner"), bob, tier="", note="x")

        assert answer.status_code == 200
        assert "member" in errors_of(answer)
        assert TierChange.objects.filter(member=bob).count() == 1

    def test_offers_to_take_away_only_where_something_was_given(self, bob: Member):
        client = desk("owner")

        before = client.get(ADD, {"member": bob.pk}).context["adminform"].form.fields["tier"]
        send(client, bob, tier=key("gold"), note="VIP")
        after = client.get(ADD, {"member": bob.pk}).context["adminform"].form.fields["tier"]

        assert (before.required, after.required) == (True, False)

    def test_refuses_a_day_that_is_past(self, bob: Member):
        day = timezone.localdate() - timedelta(days=1)

        answer = send(desk("owner"), bob, tier=key("gold"), until=str(day), note="x")

        assert list(errors_of(answer)) == ["until"]
        assert Member.objects.get(pk=bob.pk).tier_floor is None

    def test_asks_why(self, bob: Member):
        answer = send(desk("owner"), bob, tier=key("gold"))

        assert list(errors_of(answer)) == ["note"]
        assert Member.objects.get(pk=bob.pk).tier_floor is None

    def test_is_not_for_clerks(self, bob: Member):
        assert desk("clerk").get(ADD).status_code == 403


class TestLists:
    def test_say_what_changed_and_why(self, bob: Member):
        now = timezone.now()
        ordering.place(order=builders.order("1", "5000.00", member=bob, placed_at=now), at=now)

        text = desk("clerk").get(LIST).content.decode()

        assert "普通 → 银卡" in text
        assert "5,000" in text

    @pytest.mark.parametrize(("code", "count"), [("silver", 0), ("base", 1)])
    def test_of_members_find_and_show_the_tier_held_now(self, bob: Member, code: str, count: int):
        Tier.objects.filter(code="silver").update(downgrade="to_eligible")
        now = timezone.now()
        old = builders.order("1", "5000.00", member=bob, placed_at=now - timedelta(days=400))
        ordering.place(order=old, at=now)
        client = desk("clerk")

        page = client.get("/console/members/member/", {"tier__id__exact": key(code)})

        found = page.context["cl"].result_list
        assert [member.tier.code for member in found] == ["base"] * count

    def test_of_tiers_show_how_each_is_kept(self, db: None):
        Tier.objects.filter(code="gold").update(
            downgrade="one_down", grace_days=45, retain_threshold=12_345
        )

        text = desk("clerk").get("/console/members/tier/").content.decode()

        assert "12,345" in text
        assert ">45<" in text.replace(" ", "").replace("\n", "")


class TestTierForm:
    def test_refuses_keeping_that_is_dearer_than_reaching(self, db: None):
        client = desk("owner")
        address = f"/console/members/tier/{key('gold')}/change/"

        answer = client.post(address, filled(client.get(address), retain_threshold="20001"))

        assert list(errors_of(answer)) == ["retain_threshold"]
        assert Tier.objects.get(code="gold").retain_threshold is None


class TestMemberPage:
    def test_shows_the_tier_as_it_is_now_and_what_keeps_it(self, bob: Member):
        Tier.objects.filter(code="silver").update(downgrade="to_eligible")
        now = timezone.now()
        ordering.place(order=builders.order("1", "5000.00", member=bob, placed_at=now), at=now)
        client = desk("manager")
        assert page_of(client, bob).context is not None

        Member.objects.filter(pk=bob.pk).update(tier_review_at=now)
        tier_grants.give(
            member=bob,
            tier=Tier.objects.get(code="gold"),
            until=None,
            reason="VIP",
            by="owner",
            at=now,
        )

        assert "VIP" in page_of(client, bob).content.decode()
