"""Staff hand over, send, take money and fill pools in the console."""

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from members.models import Member
from rewards import drafts, giving, pools, redemption
from rewards.giving import Gift
from rewards.models import PartnerCode, Redemption, Reward
from tests.conftest import NOON
from tests.console import desk
from tests.rewards.builders import ADDRESS, asked, left
from tests.rewards.conftest import new_reward

LIST = "/console/rewards/redemption/"
POOLS = "/console/rewards/partnercode/"


def page(made: Redemption, name: str = "change") -> str:
    return f"{LIST}{made.pk}/{name}/"


def upload(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("file.csv", text.encode("utf-8-sig"), "text/csv")


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


@pytest.fixture
def tote(db: None) -> Reward:
    return new_reward("tote", name="=帆布袋", kind="gift", delivery="shipping")


@pytest.fixture
def parcels(ada: Member, tote: Reward) -> list[Redemption]:
    """Three bags that are to be sent."""
    wishes = [asked(ada, tote, f"r{number}", address=ADDRESS) for number in range(3)]
    return [redemption.redeem(request=wish, at=NOON).redemption for wish in wishes]


class TestAddresses:
    def test_go_out_as_a_file_for_those_who_may_see_them(self, parcels: list[Redemption]) -> None:
        redemption.cancel(number=parcels[2].number, at=NOON)
        answer = desk("manager").get(f"{LIST}export_addresses/")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [row["number"] for row in rows] == [each.number for each in parcels[:2]]
        assert (rows[0]["phone"], rows[0]["address"]) == ("+8613800000001", "南京西路 1 号")
        # No spreadsheet takes it for a formula.
        assert rows[0]["reward"] == "'=帆布袋"

    def test_are_not_for_clerks(self, parcels: list[Redemption]) -> None:
        client = desk("clerk")
        assert client.get(f"{LIST}export_addresses/").status_code == 403
        assert "南京西路" not in client.get(page(parcels[0])).content.decode()
        assert "南京西路" in desk("manager").get(page(parcels[0])).content.decode()


class TestTracking:
    def file(self, parcels: list[Redemption]) -> str:
        return (
            "number,carrier,tracking\n"
            f"{parcels[0].number.lower()},顺丰,SF1\n"
            f"{parcels[1].number},,\n"
            f"{parcels[0].number},顺丰,SF2\n"
            f"{parcels[2].number},中通,ZT1\n"
            "R1,中通,ZT2\n"
        )

    def test_is_looked_at_first_and_then_noted_line_by_line(
        self, parcels: list[Redemption]
    ) -> None:
        client = desk("manager")
        path = f"{LIST}import_tracking/"
        redemption.cancel(number=parcels[2].number, at=NOON)
        looked = client.post(path, {"file": upload(self.file(parcels))})
        lines = looked.context["lines"]
        assert [(each.line, bool(each.problem)) for each in lines] == [
            (2, False),
            (4, True),
            (5, True),
            (6, True),
        ]
        assert not Redemption.objects.filter(state="fulfilled").exists()
        text = looked.context["form"].initial["text"]
        done = client.post(path, {"text": text})
        assert [each.line for each in done.context["lines"]] == [4, 5, 6]
        sent = Redemption.objects.get(state="fulfilled")
        assert (sent.pk, sent.carrier, sent.tracking) == (parcels[0].pk, "顺丰", "SF1")
        assert sent.fulfilled_by == "manager"

    @pytest.mark.parametrize("text", ["a,b\n1,2\n", "", 'number,carrier,tracking\n"x'])
    def test_a_file_that_cannot_be_read_is_told(
        self, parcels: list[Redemption], text: str
    ) -> None:
        answer = desk("manager").post(f"{LIST}import_tracking/", {"file": upload(text)})
        assert answer.context["form"].errors["file"]

    def test_is_not_for_clerks(self, db: None) -> None:
        assert desk("clerk").get(f"{LIST}import_tracking/").status_code == 403


class TestSteps:
    def test_a_parcel_is_sent_and_its_number_changed(self, parcels: list[Redemption]) -> None:
        client = desk("manager")
        made = parcels[0]
        assert page(made, "fulfil") in client.get(page(made)).content.decode()
        client.post(page(made, "fulfil"), {"carrier": "顺丰", "tracking": "SF1"})
        made.refresh_from_db()
        assert (made.state, made.tracking) == ("fulfilled", "SF1")
        client.post(page(made, "fulfil"), {"carrier": "顺丰", "tracking": "SF2"})
        made.refresh_from_db()
        assert made.tracking == "SF2"
        assert page(made, "cancel") not in client.get(page(made)).content.decode()

    def test_money_is_received_for_a_draft(self, ada: Member) -> None:
        from django.utils import timezone

        mug = new_reward("mug", cash="9.90", starts_at=None)
        made = drafts.reserve(request=asked(ada, mug), at=timezone.now()).redemption
        client = desk("manager")
        assert "¥9.90" in client.get(page(made, "pay")).content.decode()
        client.post(page(made, "pay"))
        made.refresh_from_db()
        assert (made.state, made.vouchers.count()) == ("issued", 1)

    def test_a_draft_that_timed_out_is_refused_in_words(self, ada: Member) -> None:
        made = drafts.reserve(request=asked(ada, new_reward("mug")), at=NOON).redemption
        client = desk("manager")
        assert page(made, "pay") not in client.get(page(made)).content.decode()
        answer = client.post(page(made, "pay"), follow=True)
        assert len(said(answer)) == 1
        made.refresh_from_db()
        assert made.state == "reserved"

    def test_a_draw_ticket_is_not_handed_over(self, ada: Member) -> None:
        ticket = new_reward("ticket", kind="draw_ticket")
        made = redemption.redeem(request=asked(ada, ticket), at=NOON).redemption
        shown = desk("manager").get(page(made)).content.decode()
        assert page(made, "fulfil") not in shown
        assert page(made, "cancel") in shown

    def test_what_was_free_is_listed_as_a_present(self, ada: Member) -> None:
        new_reward("treat")
        giving.give(gift=Gift(member=ada.pk, reward="treat", pieces=1, reference="g"), at=NOON)
        text = desk("manager").get(LIST).content.decode()
        assert "−0" not in text
        assert "赠送" in text

    def test_the_reason_of_a_cancelling_is_kept(self, parcels: list[Redemption]) -> None:
        desk("manager").post(page(parcels[0], "cancel"), {"reason": "选错了"})
        parcels[0].refresh_from_db()
        assert (parcels[0].state, parcels[0].cancel_reason) == ("cancelled", "选错了")

    def test_a_clerk_hands_over_but_does_not_cancel(self, parcels: list[Redemption]) -> None:
        clerk = desk("clerk")
        assert clerk.post(page(parcels[0], "cancel")).status_code == 403
        assert page(parcels[0], "cancel") not in clerk.get(page(parcels[0])).content.decode()
        parcels[0].refresh_from_db()
        assert parcels[0].state == "issued"
        clerk.post(page(parcels[0], "fulfil"))
        parcels[0].refresh_from_db()
        assert (parcels[0].state, parcels[0].fulfilled_by) == ("fulfilled", "clerk")

    @pytest.mark.parametrize(("todo", "count"), [("send", 3), ("hand_over", 0), ("pay", 0)])
    def test_the_list_shows_what_is_to_do(
        self, parcels: list[Redemption], todo: str, count: int
    ) -> None:
        answer = desk("clerk").get(LIST, {"todo": todo})
        assert len(answer.context["cl"].result_list) == count


class TestPools:
    @pytest.fixture
    def film(self, db: None) -> Reward:
        return new_reward("film", kind="partner_code", partner="影城")

    def test_codes_are_added_and_duplicates_named(self, film: Reward, ada: Member) -> None:
        client = desk("manager")
        body = {"reward": "film", "file": upload("code\na1\nA-1\nb2\n")}
        answer = client.post(f"{POOLS}add_codes/", body, follow=True)
        assert len(said(answer)) == 2
        assert "3" in said(answer)[1]
        redemption.redeem(request=asked(ada, film), at=NOON)
        shown = client.get(POOLS)
        assert [(pool.free, pool.taken) for pool in shown.context["pools"]] == [(1, 1)]
        assert left(film) == [1]
        for code in PartnerCode.objects.all():
            assert f">{code.code}<" not in shown.content.decode()

    def test_a_code_is_listed_with_its_end_and_last_day(self, film: Reward) -> None:
        file = b"ABCDEF,2026-12-31\nUVWXYZ,2026-12-31T18:00+08:00\n"
        pools.add(reward="film", file=file, by="", at=NOON)
        text = desk("manager").get(POOLS).content.decode()
        assert "•••• EF" in text
        assert "2026-12-31<" in text.replace(" 18:00", "")
        assert "2026-12-31 18:00" in text
        assert "2027" not in text

    def test_a_malformed_file_is_told_and_changes_nothing(self, film: Reward) -> None:
        body = {"reward": "film", "file": upload("a1\nb2,yesterday\n")}
        answer = desk("manager").post(f"{POOLS}add_codes/", body)
        assert answer.context["form"].errors["file"]
        assert not PartnerCode.objects.exists()

    def test_a_code_has_no_page_and_clerks_have_none_at_all(self, film: Reward) -> None:
        pools.add(reward="film", file=b"a1\n", by="", at=NOON)
        code = PartnerCode.objects.get()
        assert desk("owner").get(f"{POOLS}{code.pk}/change/").status_code == 403
        clerk = desk("clerk")
        assert clerk.get(POOLS).status_code == 403
        assert clerk.get(f"{POOLS}add_codes/").status_code == 403
