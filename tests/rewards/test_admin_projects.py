"""Donation projects in the console: made, changed, with what they raised."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loyalty.models import Donation
from members.models import Member
from rewards.models import DonationProject
from tests.console import desk, errors_of, filled
from tests.rewards.test_projects import donate, project

LIST = "/console/rewards/donationproject/"


class TestForm:
    def test_begins_a_project(self, db: None):
        client = desk("manager")
        page = client.get(f"{LIST}add/")
        sent = filled(page, code="forest", name="森林", goal_points="10000")
        assert client.post(f"{LIST}add/", sent).status_code == 302
        made = DonationProject.objects.get()
        assert (made.code, made.name, made.goal_points, made.active) == (
            "forest",
            "森林",
            10_000,
            True,
        )

    def test_says_on_the_field_what_is_wrong(self, db: None):
        project()
        client = desk("manager")
        page = client.get(f"{LIST}add/")
        sent = filled(page, code="forest", name="Again")
        assert errors_of(client.post(f"{LIST}add/", sent)) == {
            "code": ["已有公益项目使用此编码。"]
        }
        assert DonationProject.objects.get().name == "Forest"

    def test_changes_one_and_keeps_its_code(self, db: None):
        made = project()
        client = desk("manager")
        path = f"{LIST}{made.pk}/change/"
        page = client.get(path)
        assert "code" not in page.context["adminform"].form.fields
        assert client.post(path, filled(page, name="Wood")).status_code == 302
        assert DonationProject.objects.values("code", "name").get() == {
            "code": "forest",
            "name": "Wood",
        }


class TestFigures:
    def test_stand_on_its_page_by_day(self, ada: Member):
        made = project(goal_points=1_000)
        now = timezone.now()
        donate(ada, 250, at=now)
        donate(ada, 50, reference="d2", at=now - timedelta(days=40))
        page = desk("manager").get(f"{LIST}{made.pk}/change/")
        text = page.content.decode()
        assert (page.context["totals"].points, page.context["totals"].donors) == (300, 1)
        assert "30.0%" in text
        assert "/projects/forest" in text
        assert '"data": [' + "0, " * 29 + "250]" in page.context["chart"]["data"]

    def test_without_donations_there_is_no_picture(self, db: None):
        made = project()
        page = desk("manager").get(f"{LIST}{made.pk}/change/")
        assert page.context["chart"] is None
        assert "最近 30 天没有捐赠" in page.content.decode()

    def test_stand_in_the_list_for_one_query(self, ada: Member):
        client = desk("manager")
        project("first", goal_points=1_000)
        donate(ada, 250, code="first")
        client.get(LIST)
        counts = []
        for numbers in (range(0), range(12)):
            for number in numbers:
                project(f"p{number}")
            with CaptureQueriesContext(connection) as captured:
                text = client.get(LIST).content.decode()
            counts.append(len(captured))
        assert counts[0] == counts[1]
        assert "25.0%" in text


class TestDonating:
    def test_for_a_member_to_one_that_is_over_says_so_on_the_field(self, ada: Member):
        project(active=False)
        client = desk("manager")
        path = f"/console/loyalty/donation/add/?member={ada.pk}"
        page = client.get(path)
        sent: dict[str, Any] = filled(page, points="5", project="forest")
        assert errors_of(client.post(path, sent)) == {
            "project": ["这个项目现在不接受捐赠，没有扣除积分。"]
        }
        assert not Donation.objects.exists()
