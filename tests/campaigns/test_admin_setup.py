import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns import lifecycle, preset_files
from campaigns.models import Campaign
from loyalty import queries
from members.models import Member, Tier, User
from rewards import catalogue
from rewards.models import Reward
from tests.campaigns.builders import campaign
from tests.conftest import NOON
from tests.loyalty.builders import program

#: The box that is ticked where something would become another one.
YES = {"overwrite": "on"}


@pytest.fixture
def console(owner: User, client: Client) -> Client:
    client.force_login(owner)
    return client


class TestSetup:
    def test_offers_every_preset(self, console: Client) -> None:
        page = console.get(reverse("admin:campaigns_setup"))

        assert page.status_code == 200
        for preset in preset_files.presets().values():
            assert preset.title in page.content.decode()

    @pytest.mark.parametrize("name", list(preset_files.presets()))
    def test_says_what_would_change_and_changes_nothing(self, console: Client, name: str) -> None:
        page = console.get(reverse("admin:campaigns_setup_preset", args=[name]))

        assert page.status_code == 200
        assert not Campaign.objects.exists()

    def test_says_how_points_would_pay(self, console: Client) -> None:
        page = console.get(reverse("admin:campaigns_setup_preset", args=["supermarket"]))

        assert "最多可抵订单的 50%。须为 100 积分的整数倍。" in page.content.decode()

    def test_calls_tiers_and_rewards_as_the_preset_does(self, console: Client) -> None:
        tier = Tier.objects.get(code="gold")
        Tier.objects.filter(pk=tier.pk).update(name="黄金会员")

        page = console.get(reverse("admin:campaigns_setup_preset", args=["coffee_stars"]))

        said = " ".join(sentence for _name, sentence in page.context["campaigns"])
        assert "黄金会员" not in said
        assert "金星级" in said
        assert "birthday-drink" not in page.content.decode()

    def test_names_own_campaigns_that_would_give_too(self, console: Client) -> None:
        campaign("our-daily", trigger="check_in", effect={"type": "bonus", "points": 5})
        campaign("our-orders")

        page = console.get(reverse("admin:campaigns_setup_preset", args=["small_shop"]))

        assert "our daily" in page.content.decode()
        assert "our orders" not in page.content.decode()

    def test_sets_the_program_up(self, console: Client) -> None:
        program(earn_rate="3")
        address = reverse("admin:campaigns_setup_preset", args=["travel_agency"])
        assert "<b>0.1</b>" in console.get(address).content.decode()

        answer = console.post(address)

        assert answer.status_code == 302
        assert str(queries.program().earn_rate) == "0.100000"
        assert queries.program().award_on == "completed"

    def test_refuses_what_does_not_fit_and_says_why(self, console: Client, ada: Member) -> None:
        Member.objects.filter(pk=ada.pk).update(tier=Tier.objects.get(code="diamond"))

        page = console.post(reverse("admin:campaigns_setup_preset", args=["coffee_stars"]), YES)

        assert page.status_code == 200
        assert 'role="alert"' in page.content.decode()
        assert Tier.objects.count() == 4

    def test_lets_a_second_person_decide_where_the_program_says_so(self, console: Client) -> None:
        program(campaigns_need_approval=True)
        address = reverse("admin:campaigns_setup_preset", args=["snack_bar"])
        assert "另一位同事审批" in console.get(address).content.decode()

        answer = console.post(address, YES, follow=True)

        assert answer.redirect_chain[-1][0].endswith("?phase=waiting")
        assert "2 个活动等待另一位同事审批" in answer.content.decode()
        made = Campaign.objects.all()
        assert {(each.state, each.requested_by) for each in made} == {("draft", "owner")}
        assert "满 50 送 100" in answer.content.decode()
        lifecycle.approve(campaign=made[0], by="manager", at=timezone.now())

        # Once more: what was approved goes on, what waits still waits.
        console.post(address, YES)

        states = dict(Campaign.objects.values_list("pk", "state"))
        assert sorted(states.values()) == ["active", "draft"]

    def test_a_running_campaign_that_changes_rests_until_it_is_approved(
        self, console: Client
    ) -> None:
        address = reverse("admin:campaigns_setup_preset", args=["snack_bar"])
        console.post(address, YES)
        program(campaigns_need_approval=True)
        first, other = Campaign.objects.order_by("code")
        Campaign.objects.filter(pk=first.pk).update(name="Ours")

        console.post(address, YES)

        first.refresh_from_db()
        other.refresh_from_db()
        assert (first.state, first.requested_by) == ("paused", "owner")
        assert other.state == "active"

    def test_changes_what_is_there_only_when_that_is_ticked(self, console: Client) -> None:
        ours = {"code": "ten-yuan", "name": "10 元抵用金", "kind": "coupon", "points": 900}
        catalogue.create(changes={**ours, "stock": 7, "discount_amount": "10.00"}, at=NOON)
        address = reverse("admin:campaigns_setup_preset", args=["snack_bar"])
        page = console.get(address)
        assert "<small>名称：10 元抵用金 → <b>10 元券</b></small>" in page.content.decode()
        assert [each.name for each in page.context["changed"]] == ["10 元抵用金"]
        said = {
            each.label: (each.before, each.after) for each in page.context["changed"][0].changes
        }
        assert said["积分价格"] == ("900", "1,000")
        assert "库存" not in said
        assert "抵扣金额" not in said

        refused = console.post(address)

        assert "请勾选" in refused.content.decode()
        assert Reward.objects.get(code="ten-yuan").name == "10 元抵用金"
        assert not Campaign.objects.exists()

        assert console.post(address, YES).status_code == 302
        now = Reward.objects.get(code="ten-yuan")
        assert (now.name, now.points, now.stock) == ("10 元券", 1000, 7)
        assert not console.get(address).context["changed"]

    def test_names_tiers_that_become_others_and_those_that_go(self, console: Client) -> None:
        page = console.get(reverse("admin:campaigns_setup_preset", args=["coffee_stars"]))

        changed = {each.name: each for each in page.context["changed"]}
        assert changed["钻石"].is_dropped
        assert [each.after for each in changed["银卡"].changes if each.label == "编码"] == ["jade"]

    def test_is_found_from_the_list(self, console: Client) -> None:
        address = reverse("admin:campaigns_campaign_set_up")

        assert (
            address in console.get(reverse("admin:campaigns_campaign_changelist")).content.decode()
        )
        assert console.get(address).headers["Location"] == reverse("admin:campaigns_setup")

    def test_is_for_whoever_may_change_the_program(self, client: Client, db: None) -> None:
        clerk = User.objects.create_user("clerk", password="clerk", is_staff=True)
        client.force_login(clerk)

        assert client.get(reverse("admin:campaigns_setup")).status_code == 403

    def test_an_unknown_one_is_not_there(self, console: Client) -> None:
        assert (
            console.get(reverse("admin:campaigns_setup_preset", args=["none"])).status_code == 404
        )
