"""The points' screens: adjusting, the program's settings, orders and entries in words."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.test import Client

from loyalty import ordering, queries, refunds
from loyalty.models import Adjustment, Entry, Order, Program
from members.models import Member
from tests.conftest import NOON
from tests.console import desk, errors_of, filled
from tests.loyalty import builders

ADJUST = "/console/loyalty/adjustment/add/"
PROGRAM = "/console/loyalty/program/1/change/"


def active(member: Member) -> int:
    return queries.figures(member=member, at=NOON).active


def adjust(client: Client, member: Member, **said: Any) -> Any:
    page = client.get(ADJUST, {"member": member.pk})
    return client.post(f"{ADJUST}?member={member.pk}", filled(page, **said))


class TestAdjust:
    def test_gives_points_with_reason_and_note_and_shows_before_and_after(self, ada: Member):
        client = desk("manager")
        said = {"points": "250", "reason": "goodwill", "message": "周年礼", "note": "店长批准"}
        answer = adjust(client, ada, **said)
        assert answer["Location"] == f"/console/members/member/{ada.pk}/change/"
        page = client.get(answer["Location"])
        assert "1,000 → 1,250" in str(next(iter(page.context["messages"])))
        made = Adjustment.objects.get()
        assert (made.points, made.reason, made.message, made.note, made.requested_by) == (
            250,
            "goodwill",
            "周年礼",
            "店长批准",
            "manager",
        )
        assert active(ada) == 1250

    def test_takes_points(self, ada: Member):
        adjust(desk("manager"), ada, points="-400", reason="correction")
        assert active(ada) == 600

    def test_a_double_click_posts_once(self, ada: Member):
        client = desk("manager")
        page = client.get(ADJUST, {"member": ada.pk})
        data = filled(page, points="100", reason="other")
        for _click in range(2):
            assert client.post(ADJUST, data).status_code == 302
        assert Adjustment.objects.count() == 1
        assert active(ada) == 1100

    def test_two_forms_are_two_adjustments(self, ada: Member):
        client = desk("manager")
        for _form in range(2):
            adjust(client, ada, points="100", reason="other")
        assert active(ada) == 1200

    def test_more_than_there_is_is_said_at_the_points(self, ada: Member):
        answer = adjust(desk("manager"), ada, points="-1001", reason="other")
        assert list(errors_of(answer)) == ["points"]
        assert "1,001" in errors_of(answer)["points"][0]
        assert (Adjustment.objects.count(), active(ada)) == (0, 1000)

    def test_zero_is_said_at_the_points(self, ada: Member):
        assert list(errors_of(adjust(desk("manager"), ada, points="0", reason="other"))) == [
            "points"
        ]

    def test_a_clerk_may_not(self, ada: Member):
        client = desk("clerk")
        data = {"member": ada.pk, "points": "100", "reason": "other", "reference": "x"}
        assert client.get(ADJUST, {"member": ada.pk}).status_code == 403
        assert client.post(ADJUST, data).status_code == 403
        page = client.get(f"/console/members/member/{ada.pk}/change/").content.decode()
        assert "/console/loyalty/adjustment/add/" not in page
        assert (Adjustment.objects.count(), active(ada)) == (0, 1000)


class TestProgram:
    def test_the_list_leads_to_the_one_page(self, db: None):
        assert desk("manager").get("/console/loyalty/program/")["Location"] == PROGRAM

    def test_shows_rates_without_trailing_zeros(self, db: None):
        form = desk("owner").get(PROGRAM).context["adminform"].form
        assert (form["earn_rate"].value(), form["point_value"].value()) == ("1", "0.01")

    def test_is_changed_by_the_verb(self, db: None):
        client = desk("owner")
        data = filled(client.get(PROGRAM), name="年轮会员", point_value="0.02", expiry_months="12")
        assert client.post(PROGRAM, data).status_code == 302
        program = Program.objects.get()
        assert (program.name, program.point_value) == ("年轮会员", Decimal("0.02"))
        assert (program.expiry_policy, program.expiry_months) == ("rolling", 12)
        assert program.earn_rate == 1

    def test_paying_with_points_is_set_as_one_rule_and_said_in_words(self, db: None):
        client = desk("owner")
        changes = {"pay_with_points_max_share": "12.5", "pay_with_points_step": "100"}
        data = filled(client.get(PROGRAM), **changes, refund_first="cash")
        assert client.post(PROGRAM, data).status_code == 302

        rule = Program.objects.get().pay_with_points
        assert rule == {"max_share": "0.125", "min": None, "step": 100}
        for role in ("owner", "manager"):
            page = client if role == "owner" else desk(role)
            shown = page.get(PROGRAM, headers={"Accept-Language": "en"}).content.decode()
            assert "They pay at most 12.5 % of an order." in shown
            assert "A refund gives money back first, then the points." in shown

    def test_a_share_above_100_is_said_at_the_share(self, db: None):
        client = desk("owner")
        data = filled(client.get(PROGRAM), pay_with_points_max_share="101")
        assert list(errors_of(client.post(PROGRAM, data))) == ["pay_with_points_max_share"]
        assert Program.objects.get().pay_with_points["max_share"] == "1"

    def test_an_expiry_without_its_day_is_said_at_the_day(self, db: None):
        client = desk("owner")
        data = filled(client.get(PROGRAM), expiry_policy="fixed_date", expiry_date="")
        assert list(errors_of(client.post(PROGRAM, data))) == ["expiry_date"]
        assert Program.objects.get().expiry_policy == "rolling"

    def test_offers_only_the_policies_there_are(self, db: None):
        form = desk("owner").get(PROGRAM).context["adminform"].form
        offered = [value for value, _label in form.fields["expiry_policy"].choices]
        assert offered == ["never", "rolling", "month_end", "fixed_date", "inactivity"]

    def test_the_rules_of_transfers_are_changed_as_a_whole(self, db: None):
        client = desk("owner")
        page = client.get(PROGRAM)
        assert page.context["adminform"].form["transfer_fee"].value() == 0
        data = filled(page, transfer_enabled="on", transfer_min="10", transfer_per_day="500")
        assert client.post(PROGRAM, data).status_code == 302
        rules = {"enabled": True, "min": 10, "per_transfer": None, "per_day": 500, "fee": 0}
        assert Program.objects.get().transfer == rules

        data = filled(client.get(PROGRAM), transfer_min="", transfer_fee="3")
        assert client.post(PROGRAM, data).status_code == 302
        assert Program.objects.get().transfer == {**rules, "min": None, "fee": 3}

    def test_a_limit_that_cannot_be_meant_is_said_at_its_field(self, db: None):
        client = desk("owner")
        for field, text in (
            ("per_day", "0"),
            ("per_transfer", "-1"),
            ("fee", "x"),
            ("min", "1.5"),
        ):
            data = filled(client.get(PROGRAM), **{f"transfer_{field}": text})
            assert list(errors_of(client.post(PROGRAM, data))) == [f"transfer_{field}"]
        assert Program.objects.get().transfer["per_day"] is None

    def test_a_manager_sees_the_rules_of_transfers(self, db: None):
        builders.program(transfer={"enabled": True, "min": 12345, "fee": 0})
        assert "12345" in desk("manager").get(PROGRAM).content.decode()

    def test_a_manager_looks_and_does_not_change(self, db: None):
        assert desk("manager").post(PROGRAM, {"name": "x"}).status_code == 403


class TestOrdersAndEntries:
    def test_an_order_shows_lines_refunds_and_why(self, ada: Member, noon: datetime):
        order = self.placed(ada, noon)
        back = refunds.RefundFacts(reference="R-77", at=noon, amount=Decimal(10), lines=None)
        refunds.refund(source=order.source, number=order.number, facts=back, now=noon)
        page = desk("clerk").get(f"/console/loyalty/order/{order.pk}/change/").content.decode()
        for text in ("¥60</", "R-77", "积分说明", f"/console/members/member/{ada.pk}/change/"):
            assert text in page

    def test_an_order_is_found_by_number_and_by_member(self, ada: Member, noon: datetime):
        self.placed(ada, noon)
        client = desk("clerk")
        for text in ("T-1", "13800000001", ada.number):
            found = client.get("/console/loyalty/order/", {"q": text}).context["cl"].result_list
            assert [order.number for order in found] == ["T-1"]
        nothing = client.get("/console/loyalty/order/", {"q": "T-2"}).context["cl"].result_list
        assert list(nothing) == []

    def test_an_entry_says_what_happened(self, ada: Member, noon: datetime):
        self.placed(ada, noon)
        entry = Entry.objects.filter(kind="earn", wallet__point_type__code="points").latest("id")
        client = desk("clerk")
        page = client.get(f"/console/loyalty/entry/{entry.pk}/change/").content.decode()
        assert "+100" in page
        found = client.get("/console/loyalty/entry/", {"q": ada.number}).context["cl"].result_list
        assert entry in list(found)

    def placed(self, member: Member, at: datetime) -> Order:
        bought = builders.order("T-1", "60.00", "40.00", member=member)
        order = ordering.place(order=bought, at=at).order
        assert order is not None
        return order
