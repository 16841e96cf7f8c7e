"""The members' screens: forms that call the verbs, search, masking, keys, roles."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from config import roles
from members import clients, enrolment, stores
from members.models import ApiClient, Member, Store, Tier, User
from tests.conftest import NOON
from tests.console import desk, errors_of, filled

LIST = "/console/members/member/"
ADD = f"{LIST}add/"


def page_of(member: Member) -> str:
    return f"{LIST}{member.pk}/change/"


def shown(client: Client, text: str) -> list[str]:
    found = client.get(LIST, {"q": text}).context["cl"].result_list
    return [member.name for member in found]


class TestMemberForm:
    def test_enrols_through_the_verb(self, bob: Member):
        stores.create(changes={"code": "SH-1", "name": "静安寺店"})
        client = desk("manager")
        store = Store.objects.get()
        said = {
            "phone": "138 0000 0009",
            "name": "Eve",
            "store": store.pk,
            "birthday": "1990-07-31",
        }
        said["referral_code"] = bob.referral_code
        answer = client.post(ADD, filled(client.get(ADD), **said))
        eve = Member.objects.get(phone="+8613800000009")
        assert answer.status_code == 302
        assert (eve.name, eve.store, eve.referrer, eve.channel) == ("Eve", store, bob, "console")
        assert eve.tier_changes.get().reason == "enrolled"

    def test_a_known_phone_is_said_at_the_phone(self, bob: Member):
        client = desk("manager")
        answer = client.post(ADD, filled(client.get(ADD), phone="13800000002"))
        assert errors_of(answer) == {"phone": [f"此手机号已是会员，会员号 {bob.number}。"]}
        assert Member.objects.count() == 1

    def test_bad_input_is_said_at_its_field(self, bob: Member):
        client = desk("manager")
        answer = client.post(page_of(bob), filled(client.get(page_of(bob)), phone="12"))
        assert list(errors_of(answer)) == ["phone"]
        bob.refresh_from_db()
        assert bob.phone == "+8613800000002"

    def test_changes_only_what_was_changed(self, bob: Member):
        client = desk("manager")
        data = filled(client.get(page_of(bob)), name="Robert")
        enrolment.change(member=bob, changes={"email": "bob@example.com"}, at=NOON)
        del data["email"]
        data["email"] = "bob@example.com"
        assert client.post(page_of(bob), data).status_code == 302
        bob.refresh_from_db()
        assert (bob.name, bob.email) == ("Robert", "bob@example.com")

    def test_a_closed_member_is_not_changed(self, bob: Member):
        client = desk("manager")
        data = filled(client.get(page_of(bob)), name="Robert")
        Member.objects.filter(pk=bob.pk).update(status="closed")
        answer = client.post(page_of(bob), data)
        assert errors_of(answer) == {"__all__": ["该会员已注销。"]}
        bob.refresh_from_db()
        assert bob.name == "Bob"


class TestMemberList:
    @pytest.mark.parametrize(
        "text", ["13800000002", "+86 138 0000 0002", "0002", "Bob", "bo", "CRM-2", "number"]
    )
    def test_is_searched_as_staff_search(self, bob: Member, mallory: Member, text: str):
        enrolment.change(member=bob, changes={"external_id": "CRM-2"}, at=NOON)
        assert shown(desk("clerk"), bob.number if text == "number" else text) == ["Bob"]

    def test_finds_nobody_for_what_nobody_has(self, bob: Member):
        assert shown(desk("clerk"), "nobody") == []

    def test_filters_by_tier_and_status(self, bob: Member, mallory: Member):
        Member.objects.filter(pk=bob.pk).update(status="frozen")
        client = desk("clerk")
        frozen = client.get(LIST, {"status__exact": "frozen"}).context["cl"].result_list
        gold = client.get(LIST, {"tier__id__exact": Tier.objects.get(code="gold").pk})
        assert [member.name for member in frozen] == ["Bob"]
        assert list(gold.context["cl"].result_list) == []


class TestMasking:
    def test_a_clerk_never_sees_a_whole_phone_number(self, bob: Member):
        enrolment.change(member=bob, changes={"email": "bob@example.com"}, at=NOON)
        client = desk("clerk")
        for path in (LIST, page_of(bob)):
            text = client.get(path).content.decode()
            assert "+86138****0002" in text
            assert "+8613800000002" not in text
            assert "bob@example.com" not in text

    def test_who_may_change_members_sees_it_on_their_page_alone(self, bob: Member):
        client = desk("manager")
        assert "+8613800000002" in client.get(page_of(bob)).content.decode()
        assert "+8613800000002" not in client.get(LIST).content.decode()


class TestTiersAndStores:
    def test_a_tier_out_of_order_is_said_at_the_threshold(self, db: None):
        silver = Tier.objects.get(code="silver")
        path = f"/console/members/tier/{silver.pk}/change/"
        client = desk("owner")
        answer = client.post(path, filled(client.get(path), threshold="90000"))
        assert list(errors_of(answer)) == ["threshold"]
        silver.refresh_from_db()
        assert silver.threshold == 5000

    def test_a_tier_is_changed_by_the_verb(self, db: None):
        silver = Tier.objects.get(code="silver")
        path = f"/console/members/tier/{silver.pk}/change/"
        client = desk("owner")
        page = client.get(path)
        assert page.context["adminform"].form["multiplier"].value() == "1.2"
        said = {
            "multiplier": "1.25",
            "benefits": '[{"code": "tea", "kind": "gift", "name": "茶"}]',
        }
        assert client.post(path, filled(page, **said)).status_code == 302
        silver.refresh_from_db()
        assert str(silver.multiplier) == "1.2500"
        assert silver.benefits == [{"code": "tea", "kind": "gift", "name": "茶"}]

    def test_a_store_is_opened_and_renamed_and_keeps_its_code(self, db: None):
        client = desk("manager")
        add = "/console/members/store/add/"
        data = filled(client.get(add), code="SH-1", name="静安寺店")
        assert client.post(add, data).status_code == 302
        assert list(errors_of(client.post(add, data))) == ["code"]
        store = Store.objects.get()
        path = f"/console/members/store/{store.pk}/change/"
        assert client.post(path, {"code": "OTHER", "name": "新静安寺店"}).status_code == 302
        store.refresh_from_db()
        assert (store.code, store.name) == ("SH-1", "新静安寺店")


class TestApiKeys:
    ADD = "/console/members/apiclient/add/"

    def test_the_key_is_shown_once_and_works(self, db: None):
        client = desk("owner")
        page = client.post(self.ADD, {"name": "till", "scopes": ["earn", "read"]}, follow=True)
        said = next(str(message) for message in page.context["messages"] if "till" in str(message))
        made = ApiClient.objects.get()
        key = next(
            word for word in said.replace("：", " ").replace("（", " ").split() if "." in word
        )
        assert ApiClient.objects.get_from_key(key) == made
        assert made.scopes == ["read", "earn"]
        assert key not in client.get("/console/members/apiclient/").content.decode()

    def test_a_key_needs_a_scope(self, db: None):
        answer = desk("owner").post(self.ADD, {"name": "till"})
        assert list(errors_of(answer)) == ["scopes"]
        assert ApiClient.objects.count() == 0

    def test_a_revoked_key_never_comes_back(self, db: None):
        client = desk("owner")
        clients.create(name="till", scopes=["earn"])
        made = ApiClient.objects.get()
        path = f"/console/members/apiclient/{made.pk}/change/"
        data = {"name": "till", "scopes": ["earn"], "revoked": "on"}
        assert client.post(path, data).status_code == 302
        client.post(path, {"name": "other", "scopes": ["earn"]})
        made.refresh_from_db()
        assert (made.revoked, made.name) == (True, "till")


class TestStaff:
    def test_lists_staff_and_no_members_logins(self, ada: Member, owner: User):
        client = Client()
        client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
        User.objects.create_user(username="portal-login")
        text = client.get("/console/members/user/").content.decode()
        assert "portal-login" not in text
        assert "Owner" in text

    def test_a_new_login_is_staff_with_its_role(self, db: None):
        client = desk("owner")
        roles.ensure_roles()
        clerk = Group.objects.get(name=roles.CLERK)
        add = "/console/members/user/add/"
        said: dict[str, Any] = {"username": "xiaolin", "name": "小林", "groups": [clerk.pk]}
        said |= {
            "password1": "a-long-one-26",
            "password2": "a-long-one-26",
            "usable_password": "true",
        }
        assert client.post(add, said).status_code == 302
        made = User.objects.get(username="xiaolin")
        assert made.is_staff
        assert made.has_perm("rewards.change_voucher")
        assert not made.is_superuser

    def test_a_role_keeps_the_permissions_that_are_not_offered(self, db: None):
        client = desk("owner")
        clerk, _manager = roles.ensure_roles()
        hidden = Permission.objects.get(codename="view_wallet")
        ticked = Permission.objects.get(codename="view_member")
        path = f"/console/auth/group/{clerk.pk}/change/"
        data = {"name": clerk.name, "permissions": [ticked.pk]}
        assert client.post(path, data).status_code == 302
        assert set(clerk.permissions.all()) == {hidden, ticked}
