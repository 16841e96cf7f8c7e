"""The voucher check at the counter, what a member had, voiding, and batches for segments."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.test import Client
from PIL import Image

from config import roles
from members import codes
from members.models import Job, Member, Message, Store, User
from rewards import giving, pictures, pools, voucher_batches, vouchers
from rewards import redemption as redemptions
from rewards.giving import Gift
from rewards.models import Redemption, Reward, Voucher, VoucherBatch
from tests.conftest import NOON
from tests.console import PASSWORDS, desk, errors_of, filled
from tests.rewards.builders import variant
from tests.rewards.conftest import new_reward

CHECK = "/console/rewards/voucher/"
ADD_BATCH = "/console/rewards/voucherbatch/add/"

Redeem = Callable[..., Redemption]


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        yield


@pytest.fixture
def voucher(ada: Member, cake: Reward, redeem: Redeem) -> Voucher:
    return redeem(ada, cake, "r").vouchers.get()


def check(client: Client, code: str, **said: Any) -> Any:
    return client.post(CHECK, {"code": code, **said})


def enter(client: Client, page: Any, **said: Any) -> Any:
    """Enter on the empty line of a page."""
    return client.post(CHECK, {**page.context["form"].initial, "code": "", **said})


def verdict(page: Any) -> tuple[str, str]:
    found = page.context["verdict"]
    return found.tone, found.words


class TestVoucherCheck:
    def test_a_clerk_checks_and_uses_one_by_scanner_and_enter_alone(
        self, voucher: Voucher, store: Store
    ):
        client = desk("clerk")
        page = check(client, vouchers.pretty(voucher.code).lower(), store="SH-1")
        assert verdict(page) == ("good", "有效，可以核销")
        text = page.content.decode()
        assert "A** · +86138****0001" in text
        assert "Ada" not in text
        page = enter(client, page)
        assert verdict(page) == ("good", "已核销，请交付")
        voucher.refresh_from_db()
        assert (voucher.state, voucher.used_store, voucher.used_by) == ("used", store, "clerk")
        # The next one in the queue.
        assert not page.context["can_use"]
        assert client.session["console-last-store"] == "SH-1"

    def test_shows_the_picture_that_members_see(self, voucher: Voucher):
        body = BytesIO()
        Image.new("RGB", (30, 20), "red").save(body, "PNG")
        digest = pictures.keep(reward=voucher.reward, body=body.getvalue()).digest
        text = check(desk("clerk"), voucher.code).content.decode()
        assert f"/rewards/{voucher.reward.code}/picture/{digest}" in text

    def test_the_button_uses_it_too(self, voucher: Voucher):
        client = desk("clerk")
        enter(client, check(client, voucher.code), use="1")
        assert Voucher.objects.get().state == "used"

    def test_checking_another_code_does_not_use_the_one_shown(
        self, voucher: Voucher, ada: Member, cake: Reward, redeem: Redeem
    ):
        other = redeem(ada, cake, "r2").vouchers.get()
        client = desk("clerk")
        page = check(client, voucher.code)
        # Enter stands for the first button of the form.
        page = enter(client, page, code=other.code, use="1")
        assert page.context["voucher"] == other
        assert set(Voucher.objects.values_list("state", flat=True)) == {"active"}

    def test_a_counter_may_use_at_once(self, voucher: Voucher):
        client = desk("clerk")
        page = check(client, voucher.code, at_once="on")
        assert verdict(page) == ("good", "已核销，请交付")
        assert Voucher.objects.get().state == "used"
        page = check(client, voucher.code, at_once="on")
        assert verdict(page) == ("bad", "已使用过")

    def test_a_double_click_uses_it_once_and_stays_calm(self, voucher: Voucher):
        client = desk("clerk")
        page = check(client, voucher.code)
        for _click in range(2):
            assert verdict(enter(client, page))[0] in {"good", "bad"}
        assert Voucher.objects.get().steps.filter(kind="used").count() == 1

    def test_a_used_one_says_when_where_and_who(self, voucher: Voucher, store: Store):
        vouchers.use(code=voucher.code, store="SH-1", reference="", used_by="小王", at=NOON)
        page = check(desk("clerk"), voucher.code)
        assert verdict(page) == ("bad", "已使用过")
        story = page.context["verdict"].story
        assert "静安寺店" in story
        assert "小王" in story
        assert "12:00" in story

    @pytest.mark.parametrize("code", ["NOSUCHCODE", "\x00", "A" * 65, "中文"])
    def test_an_unknown_code_is_said_large(self, db: None, code: str):
        page = check(desk("clerk"), code)
        assert verdict(page) == ("bad", "没有这张券")
        assert "voucher" not in page.context

    def test_says_which_session_it_is_for_and_asks_twice_on_another_day(
        self, ada: Member, redeem: Redeem
    ):
        course = new_reward("course", kind="experience")
        sessions = {"today": NOON + timedelta(hours=5), "later": NOON + timedelta(days=3)}
        for code, begins_at in sessions.items():
            variant(course, code, begins_at=begins_at, place="静安寺店")
        codes = {
            name: redeem(ada, course, name, variant=name).vouchers.get().code for name in sessions
        }
        client = desk("clerk")

        page = check(client, codes["today"])
        assert verdict(page) == ("good", "有效，可以核销")
        text = page.content.decode()
        assert "COURSE · Today" in text
        assert "2026-11-21 17:00" in text
        assert "静安寺店" in text

        page = check(client, codes["later"], at_once="on")
        assert verdict(page) == ("warm", "不是今天的场次")
        assert page.context["can_use"]
        assert verdict(enter(client, page)) == ("good", "已核销，请交付")

    def test_an_empty_line_says_nothing(self, db: None):
        assert check(desk("clerk"), "  ").context["verdict"] is None

    def test_each_state_is_said_in_words(self, voucher: Voucher, store: Store):
        client = desk("clerk")
        Reward.objects.update(stores=["SH-1"])
        assert verdict(check(client, voucher.code)) == ("warm", "本店不可用")
        assert "静安寺店" in check(client, voucher.code).context["verdict"].story
        Reward.objects.update(stores=[], weekdays=[1])
        page = check(client, voucher.code)
        assert verdict(page) == ("warm", "今天不可用")
        assert "星期一" in page.context["verdict"].story
        Reward.objects.update(weekdays=[], kind="draw_ticket")
        page = check(client, voucher.code)
        assert verdict(page) == ("warm", "抽奖时使用")
        assert "抽奖券" in page.context["verdict"].story
        Reward.objects.update(kind="coupon")
        Voucher.objects.update(active_from=NOON + timedelta(days=1))
        assert verdict(check(client, voucher.code)) == ("warm", "尚未生效")
        Voucher.objects.update(active_from=None)
        with time_machine.travel(NOON + timedelta(days=40), tick=False):
            client.force_login(User.objects.get(username="clerk"), backend=PASSWORDS)
            assert verdict(check(client, voucher.code)) == ("warm", "已过期")
        client.force_login(User.objects.get(username="clerk"), backend=PASSWORDS)
        redemptions.cancel(number=voucher.redemption.number, at=NOON)
        assert verdict(check(client, voucher.code)) == ("bad", "已作废")

    def test_who_may_only_look_cannot_use(self, voucher: Voucher):
        client = desk("clerk")
        page = check(client, voucher.code)
        Group.objects.get(name=roles.CLERK).permissions.remove(
            Permission.objects.get(codename="change_voucher")
        )
        assert enter(client, page).status_code == 403
        assert not check(client, voucher.code).context["can_use"]
        assert Voucher.objects.get().state == "active"

    def test_who_guesses_is_slowed(self, voucher: Voucher):
        client = desk("clerk")
        for _guess in range(20):
            check(client, codes.random_code(16))
        page = check(client, voucher.code)
        assert (page.status_code, verdict(page)) == (429, ("bad", "输错次数太多"))

    def test_codes_are_never_shown(self, voucher: Voucher):
        client = desk("owner")
        own = f"/console/rewards/voucher/{voucher.pk}/change/"
        history = f"/console/rewards/voucher/of/{voucher.member_id}/"
        for path in (CHECK, own, history, "/console/rewards/redemption/"):
            page = client.get(path)
            assert page.status_code == 200
            assert voucher.code not in page.content.decode()
        assert f"•••• {voucher.code[-4:]}" in client.get(history).content.decode()


class TestWho:
    def test_staff_are_called_by_their_names(self, voucher: Voucher):
        client = desk("manager")
        User.objects.filter(username="manager").update(name="林店长")
        enter(client, check(client, voucher.code))
        made = voucher.redemption
        for path in (
            f"/console/rewards/voucher/{voucher.pk}/change/",
            f"/console/rewards/voucher/of/{voucher.member_id}/",
            f"/console/rewards/redemption/{made.pk}/change/",
        ):
            assert "林店长" in client.get(path).content.decode()
        page = check(client, voucher.code)
        assert "林店长" in page.context["verdict"].story
        assert [who for _step, who in page.context["steps"]] == ["", "林店长"]

    def test_the_member_is_named_as_who_cancelled(self, voucher: Voucher):
        redemptions.cancel_own(number=voucher.redemption.number, at=NOON)
        page = check(desk("clerk"), voucher.code)
        assert "由 会员本人 作废" in page.context["verdict"].story
        assert [who for _step, who in page.context["steps"]] == ["", "会员本人"]

    def test_nobody_is_named_where_it_came_about_by_itself(
        self, ada: Member, cake: Reward, redeem: Redeem
    ):
        given = giving.give(
            gift=Gift(member=ada.pk, reward="cake", pieces=1, reference="g"), at=NOON
        )
        assert given is not None
        giving.take_back(member=ada.pk, reference="g", at=NOON)
        page = check(desk("clerk"), given.vouchers.get().code)
        story = page.context["verdict"].story
        assert "2026-11-21 12:00 作废。" in story
        assert "由" not in story

    def test_half_of_a_short_code_stays_hidden(self, ada: Member, redeem: Redeem):
        film = new_reward("film", kind="partner_code")
        pools.add(reward="film", file=b"ABCDEF", by="", at=NOON)
        made = redeem(ada, film, "f1")
        text = (
            desk("manager").get(f"/console/rewards/redemption/{made.pk}/change/").content.decode()
        )
        assert "•••• EF" in text
        assert "ABCD" not in text


class TestVoid:
    def test_asks_for_the_reason(self, voucher: Voucher):
        client = desk("manager")
        path = f"/console/rewards/voucher/{voucher.pk}/void/"
        assert (
            path in client.get(f"/console/rewards/voucher/{voucher.pk}/change/").content.decode()
        )
        assert client.post(path, {"reason": ""}).status_code == 200
        assert Voucher.objects.get().state == "active"
        client.post(path, {"reason": "印错了"})
        voided = Voucher.objects.get()
        assert (voided.state, voided.void_reason, voided.voided_by) == (
            "void",
            "印错了",
            "manager",
        )
        page = check(client, voucher.code)
        assert "印错了" in page.context["verdict"].story

    def test_a_clerk_may_not(self, voucher: Voucher):
        path = f"/console/rewards/voucher/{voucher.pk}/void/"
        assert desk("clerk").post(path, {"reason": "x"}).status_code == 403
        assert Voucher.objects.get().state == "active"


@pytest.fixture
def everybody(db: None) -> str:
    """A segment that every member is in."""
    from campaigns.models import Segment

    Segment.objects.get_or_create(
        code="everybody",
        defaults={
            "name": "所有人",
            "rules": {"all": [{"field": "active", "op": "gte", "value": 0}]},
        },
    )
    return "everybody"


def given(batch: VoucherBatch, *, at: Any = NOON) -> dict[str, Any]:
    return voucher_batches.give({"batch": batch.pk}, lambda _percent: None, at)


def started(reward: Reward, segment: str, **said: Any) -> VoucherBatch:
    changes = {"name": "冬日回馈", "reward": reward.code, "segment": segment, **said}
    return voucher_batches.start(changes=changes, by="manager", at=NOON)


class TestBatches:
    @pytest.mark.parametrize(("is_anybody_in", "is_said"), [(True, False), (False, True)])
    def test_say_that_nobody_was_in_the_segment(
        self, ada: Member, cake: Reward, everybody: str, is_anybody_in: bool, is_said: bool
    ):
        if not is_anybody_in:
            Member.objects.update(status="closed")
        batch = started(cake, everybody)
        page = f"/console/rewards/voucherbatch/{batch.pk}/change/"
        client = desk("manager")
        assert "没有发出任何券" not in client.get(page).content.decode()
        given(batch)
        text = client.get(page).content.decode()
        assert ("没有发出任何券" in text) == is_said
        assert "所有人" in text
        assert everybody not in text

    def test_are_begun_from_the_form(self, cake: Reward, everybody: str):
        client = desk("manager")
        said = {"name": "冬日回馈", "reward": cake.pk, "segment": everybody, "pieces": "2"}
        answer = client.post(ADD_BATCH, filled(client.get(ADD_BATCH), **said))
        assert answer.status_code == 302, errors_of(answer)
        batch = VoucherBatch.objects.get()
        assert (batch.name, batch.pieces, batch.made_by) == ("冬日回馈", 2, "manager")
        assert Job.objects.get().parameters == {"batch": batch.pk}
        assert "冬日回馈" in client.get(answer["Location"]).content.decode()

    def test_give_everybody_once_however_often_the_job_runs(
        self, ada: Member, bob: Member, mallory: Member, cake: Reward, everybody: str
    ):
        Member.objects.filter(pk=mallory.pk).update(status="closed")
        batch = started(cake, everybody, pieces=2)
        assert given(batch) == {"members": 2, "left_out": 0}
        VoucherBatch.objects.update(finished_at=None)
        assert given(batch) == {"members": 2, "left_out": 0}
        held = Voucher.objects.filter(batch=batch)
        assert sorted(held.values_list("member", flat=True)) == sorted(
            [ada.pk, ada.pk, bob.pk, bob.pk]
        )
        assert Message.objects.count() == 2

    def test_leave_out_whom_the_stock_does_not_reach(
        self, ada: Member, bob: Member, everybody: str
    ):
        batch = started(new_reward("few", stock=1), everybody)
        assert given(batch) == {"members": 1, "left_out": 1}

    def test_are_voided_as_a_whole_but_for_what_is_used(
        self, ada: Member, bob: Member, cake: Reward, everybody: str
    ):
        batch = started(cake, everybody)
        given(batch)
        first = Voucher.objects.order_by("id")[0]
        vouchers.use(code=first.code, store=None, reference="", used_by="", at=NOON)
        client = desk("manager")
        client.post(f"/console/rewards/voucherbatch/{batch.pk}/void/", {"reason": "活动取消"})
        job = Job.objects.get(kind="voucher_batch_void")
        for _run in range(2):
            result = voucher_batches.void(job.parameters, lambda _percent: None, NOON)
        assert result == {"vouchers": 0}
        assert sorted(Voucher.objects.values_list("state", "void_reason")) == [
            ("used", ""),
            ("void", "活动取消"),
        ]

    def test_export_their_figures(
        self, ada: Member, bob: Member, cake: Reward, everybody: str, store: Store
    ):
        batch = started(cake, everybody)
        given(batch)
        first = Voucher.objects.order_by("id")[0]
        vouchers.use(code=first.code, store="SH-1", reference="", used_by="", at=NOON)
        answer = desk("manager").get(f"/console/rewards/voucherbatch/{batch.pk}/export/")
        lines = answer.content.decode("utf-8-sig").splitlines()
        assert lines == [
            "what,day,store,vouchers",
            "issued,,,2",
            "open,,,1",
            "used,,,1",
            "expired,,,0",
            "void,,,0",
            "used,2026-11-21,SH-1,1",
        ]
        assert first.code not in answer.content.decode()

    def test_a_clerk_does_not_see_them(self, db: None):
        assert desk("clerk").get("/console/rewards/voucherbatch/").status_code == 403

    def test_an_unknown_segment_or_a_reward_without_vouchers_is_refused(
        self, cake: Reward, everybody: str
    ):
        from members.errors import InvalidInput

        with pytest.raises(InvalidInput) as problem:
            started(cake, "nobody")
        assert problem.value.pointer == "/segment"
        assert not VoucherBatch.objects.exists()
