"""When the command makes no demo shop."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.utils import translation

from members import stores
from members.models import Member, Store, User


@pytest.mark.django_db
class TestDemoShop:
    def test_makes_nothing_with_debug_off(self):
        output = StringIO()
        with translation.override("en"):
            call_command("demo_shop", stdout=output)
        assert "DEBUG is off" in output.getvalue()
        assert not User.objects.exists()
        assert not Member.objects.exists()

    @pytest.mark.usefixtures("bob")
    def test_leaves_another_shop_alone_and_tells_nothing(self):
        output = StringIO()
        with override_settings(DEBUG=True):
            call_command("demo_shop", stdout=output)
        assert output.getvalue() == ""
        assert Member.objects.count() == 1

    def test_leaves_a_shop_alone_that_has_only_stores_yet(self):
        stores.create(changes={"code": "S1", "name": "静安寺店"})
        with override_settings(DEBUG=True):
            call_command("demo_shop", stdout=StringIO())
        assert Store.objects.count() == 1
        assert not Member.objects.exists()
