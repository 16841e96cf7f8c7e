"""Projects for everybody to see, and giving points to one."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from loyalty import donations, queries
from loyalty.models import Donation
from members.models import Member
from rewards import project_queries, projects
from rewards.models import DonationProject
from rewards.project_queries import Totals
from tests.portal import page, sign_in
from tests.rewards.test_projects import donate, project


@pytest.fixture(autouse=True)
def _uncounted() -> None:
    cache.clear()


@pytest.fixture
def own(client: Client, ada: Member) -> Client:
    return sign_in(client, ada)


def key_of(text: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', text)
    assert found
    return found[1]


def confirm(client: Client, points: str, **more: str) -> str:
    """The page that asks once more."""
    key = key_of(page(client, "/projects/forest/donate"))
    answer = client.post("/projects/forest/donate", {"points": points, "key": key, **more})
    assert answer.status_code == 200
    return answer.content.decode()


class TestPublic:
    def test_shows_everybody_what_has_come_together(self, ada: Member):
        project(goal_points=1_000, summary="绿起来", story="种树\n\n养树")
        donate(ada, 250)
        for path in ("/projects", "/projects/forest"):
            text = page(Client(), path)
            assert "250" in text
            assert "目标 1,000 积分" in text
            assert "1 位会员参与" in text
            assert "25%" in text
            assert '<progress value="250" max="1000"' in text
            assert "Ada" not in text
        assert "<p>种树</p>" in page(Client(), "/projects/forest")
        assert "1 member has given" in page(Client(), "/projects", language="en")

    def test_says_when_the_goal_is_reached(self, ada: Member):
        project(goal_points=200)
        donate(ada, 250)
        text = page(Client(), "/projects/forest")
        assert "目标已达成" in text
        assert '<progress value="200" max="200"' in text
        assert "125%" in text

    def test_counts_once_in_a_while(self, ada: Member, django_assert_max_num_queries):
        project()
        assert "还没有人捐赠" in page(Client(), "/projects/forest")
        donate(ada)
        assert "还没有人捐赠" in page(Client(), "/projects/forest")
        with django_assert_max_num_queries(3):
            page(Client(), "/projects")
        cache.clear()
        assert "1 位会员参与" in page(Client(), "/projects/forest")

    def test_is_empty_to_begin_with(self, db: None):
        assert "暂时没有项目" in page(Client(), "/projects")

    def test_shows_what_is_to_come_and_what_is_over(self, db: None):
        now = timezone.now()
        project("later", starts_at=now + timedelta(days=3))
        project("over", ends_at=now - timedelta(days=3))
        project("hidden", active=False)
        text = page(Client(), "/projects")
        assert "已经结束的项目" in text
        assert text.index("/projects/later") < text.index("/projects/over")
        assert "/projects/hidden" not in text
        assert "/donate" not in page(Client(), "/projects/over")
        assert "这个项目已经结束" in page(Client(), "/projects/hidden")

    def test_of_nothing_is_not_there(self, db: None):
        assert Client().get("/projects/unheard-of").status_code == 404

    def test_escapes_what_the_merchant_wrote(self, db: None):
        project(story="<script>alert(1)</script>")
        assert "<script>alert" not in page(Client(), "/projects/forest")


class TestDonate:
    def test_asks_shows_what_is_left_gives_and_thanks(self, own: Client, ada: Member):
        made = project(goal_points=1_000)
        text = confirm(own, "250")
        assert "确认捐赠 250 积分" in text
        assert "750" in text
        assert not Donation.objects.exists()

        sent = {"points": "250", "key": key_of(text), "confirmed": "1"}
        for _twice in range(2):
            answer = own.post("/projects/forest/donate", sent)
            assert answer["Location"] == f"/donations/{Donation.objects.get().pk}"
        assert project_queries.totals([made])[made.pk] == Totals(250, 1)
        assert queries.figures(member=ada, at=timezone.now()).active == 750
        thanks = page(own, answer["Location"])
        assert "向“Forest”捐赠了 250 积分" in thanks
        assert "25%" in thanks
        assert "250" in page(own, "/projects/forest")
        assert "我的捐赠" in page(own, "/projects")

    def test_offers_amounts_that_can_be_paid(self, own: Client):
        project()
        text = page(own, "/projects/forest/donate")
        assert re.findall(r'name="chosen" value="(\d+)"', text) == ["100", "200", "500", "1000"]
        assert "确认捐赠 500 积分" in confirm(own, "", chosen="500")

    @pytest.mark.parametrize(
        ("points", "said"),
        [
            ("", "请填写要捐赠多少积分"),
            ("0", "大于 0"),
            ("-5", "大于 0"),
            ("1.5", "整数"),
            ("9" * 30, ""),
            ("1001", "您有 1,000 积分"),
        ],
    )
    def test_says_on_the_field_what_is_wrong(self, own: Client, points: str, said: str):
        project()
        text = confirm(own, points)
        assert 'aria-invalid="true"' in text
        assert "确认捐赠" not in text
        assert not Donation.objects.exists()

    def test_goes_back_with_the_amount(self, own: Client):
        project()
        text = confirm(own, "250", back="1")
        assert 'value="250"' in text
        assert "确认捐赠" not in text

    def test_a_page_without_a_key_asks_again(self, own: Client):
        project()
        answer = own.post("/projects/forest/donate", {"points": "250", "confirmed": "1"})
        assert "确认捐赠 250 积分" in answer.content.decode()
        assert not Donation.objects.exists()

    def test_an_end_in_the_meantime_takes_nothing(self, own: Client, ada: Member):
        made = project()
        text = confirm(own, "250")
        projects.change(project=made, changes={"active": False})
        sent = {"points": "250", "key": key_of(text), "confirmed": "1"}
        answer = own.post("/projects/forest/donate", sent)
        assert "不接受捐赠" in answer.content.decode()
        assert not Donation.objects.exists()

    @pytest.mark.parametrize(("status", "said"), [("frozen", "积分已冻结"), ("closed", "已注销")])
    def test_tells_who_cannot_give_why(self, own: Client, ada: Member, status: str, said: str):
        project()
        Member.objects.filter(pk=ada.pk).update(status=status)
        text = page(own, "/projects/forest/donate")
        assert said in text
        assert 'name="points"' not in text

    def test_tells_how_often_one_gave(self, own: Client, ada: Member):
        project()
        donate(ada, 100)
        second = donate(ada, 50, reference="d2").donation
        text = page(own, f"/donations/{second.pk}")
        assert "您一共捐赠了 2 次，合计 150 积分。" in text

    def test_thanks_for_a_project_of_ours_alone(self, own: Client, ada: Member):
        request = donations.DonationRequest(
            member=ada.number, points=1, project="elsewhere", reference="e"
        )
        done = donations.donate(request=request, at=timezone.now())
        assert not DonationProject.objects.exists()
        assert own.get(f"/donations/{done.donation.pk}").status_code == 404
