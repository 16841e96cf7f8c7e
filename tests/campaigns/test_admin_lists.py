"""What campaigns gave, at the console: lists to look at, and the settings of sign-in."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import sign_in_settings
from campaigns.models import Act, BenefitGrant, CampaignAward, CheckIn, Conversion
from members import enrolment
from members.models import Member
from tests.campaigns import builders
from tests.campaigns.builders import bonus
from tests.conftest import NOON
from tests.console import desk, errors_of, filled

pytestmark = pytest.mark.django_db

SETTINGS = "/console/campaigns/signinsettings/1/change/"
LISTS = ("act", "campaignaward", "conversion", "checkin", "benefitgrant")


def address(name: str) -> str:
    return f"/console/campaigns/{name}/"


def friend(number: int) -> Member:
    newcomer = enrolment.Newcomer(phone=f"+861380002{number:04d}", name=f"Friend {number}")
    return enrolment.enrol(newcomer=newcomer, at=NOON)


def fill(member: Member, numbers: range) -> None:
    """A row in every list for each number, each of another friend."""
    campaign = builders.campaign(f"c{numbers.start}", effect=bonus())
    for n in numbers:
        other, day = friend(n), NOON.date() - timedelta(days=n)
        order = builders.place(f"o{n}", "10.00", member=other)
        act = Act.objects.create(member=other, type="review", reference=str(n), at=NOON)
        common = {"campaign": campaign, "version": 1, "day": day, "at": NOON}
        CampaignAward.objects.create(**common, member=other, act=act, points=n)
        Conversion.objects.create(
            **common, referrer=member, referee=other, order=order, active_from=NOON
        )
        CheckIn.objects.create(member=other, day=day, at=NOON, streak=1)
        BenefitGrant.objects.create(
            member=other, tier=other.tier, benefit="gift", period="2026", at=NOON
        )


class TestTheLists:
    def test_take_as_many_queries_with_many_rows_as_with_few_and_count_nothing(self, ada: Member):
        client = desk("owner")
        fill(ada, range(1, 3))
        counted = {}
        for name in LISTS:
            client.get(address(name))
            with CaptureQueriesContext(connection) as few:
                client.get(address(name))
            counted[name] = len(few)
        fill(ada, range(3, 15))
        for name in LISTS:
            with CaptureQueriesContext(connection) as many:
                assert client.get(address(name)).status_code == 200
            assert len(many) == counted[name] <= 10, name
            assert not [each for each in many if "COUNT(" in each["sql"]], name

    @pytest.mark.parametrize("name", LISTS)
    def test_are_searched_by_member(self, ada: Member, name: str):
        fill(ada, range(1, 4))
        client = desk("clerk")
        found = client.get(address(name), {"q": "0002"}).context["cl"].result_list
        assert {getattr(row, "member_id", None) or row.referee_id for row in found} == {
            Member.objects.get(phone="+8613800020002").pk
        }
        assert not client.get(address(name), {"q": "nobody"}).context["cl"].result_list

    def test_a_campaign_opens_its_awards(self, ada: Member):
        fill(ada, range(1, 3))
        builders.campaign("other", effect=bonus())
        builders.place("x", "10.00", member=ada)
        client = desk("clerk")
        for campaign in {award.campaign for award in CampaignAward.objects.all()}:
            page = client.get(f"/console/campaigns/campaign/{campaign.pk}/change/").context["page"]
            found = client.get(page.all_awards).context["cl"].result_list
            assert {row.campaign_id for row in found} == {campaign.pk}

    def test_an_event_says_why_it_gave_what_it_gave(self, ada: Member):
        part = {"rule": "review", "title": "Review gift", "kind": "bonus", "points": 20}
        act = Act.objects.create(
            member=ada, type="review", reference="1", at=NOON, points=20, explanation=[part]
        )
        page = desk("clerk").get(f"{address('act')}{act.pk}/change/").content.decode()
        assert "Review gift" in page


class TestSettings:
    def test_are_made_by_looking_and_changed_by_the_form(self):
        client = desk("manager")
        page = client.get(address("signinsettings"), follow=True)
        client.post(SETTINGS, filled(page, make_up_cards="5", make_up_points="30"))
        settings = sign_in_settings.current()
        assert (settings.make_up_cards, settings.make_up_days, settings.make_up_points) == (
            5,
            7,
            30,
        )

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"make_up_cards": "32"}, "make_up_cards"),
            ({"make_up_days": "0"}, "make_up_days"),
            ({"make_up_points": "-1"}, "make_up_points"),
            ({"make_up_points": "x"}, "make_up_points"),
        ],
    )
    def test_bad_input_is_said_at_its_field(self, said: dict[str, Any], field: str):
        client = desk("manager")
        page = client.get(address("signinsettings"), follow=True)
        assert list(errors_of(client.post(SETTINGS, filled(page, **said)))) == [field]
        assert sign_in_settings.current().make_up_cards == 2
