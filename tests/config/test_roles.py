"""The roles of staff and what each may do."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from config import roles


@pytest.mark.django_db
class TestEnsureRoles:
    def test_makes_clerk_and_manager(self):
        clerk, manager = roles.ensure_roles()
        held = {
            group.name: {each.codename for each in group.permissions.all()}
            for group in (clerk, manager)
        }
        assert "change_voucher" in held["店员"]
        assert "add_adjustment" not in held["店员"]
        assert "change_member" not in held["店员"]
        assert {"fulfil_redemption", "view_reward", "view_message"} <= held["店员"]
        assert not held["店员"] & {"change_redemption", "view_rewardreport", "change_reward"}
        assert {"view_rewardreport", "change_draw", "add_offer", "add_partnercode"} <= held["店长"]
        assert held["店员"] < held["店长"]
        assert "add_adjustment" in held["店长"]
        assert not {name for name in held["店长"] if name.startswith("delete_")}

    def test_gives_back_what_was_taken_and_keeps_what_was_added(self):
        clerk, _manager = roles.ensure_roles()
        extra = Permission.objects.get(codename="add_reward")
        clerk.permissions.set([extra])
        Group.objects.create(name="仓库")
        roles.ensure_roles()
        held = {each.codename for each in clerk.permissions.all()}
        assert {"add_reward", "change_voucher", "view_member"} <= held
        assert Group.objects.count() == 3

    def test_the_command_names_them(self):
        out = StringIO()
        call_command("roles", stdout=out)
        call_command("roles", stdout=out)
        assert out.getvalue().count(f"店员：{len(roles.ROLES[roles.CLERK])} 项权限") == 2
