"""Opening balances uploaded at the console."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from loyalty.models import Entry
from members.admin import uploads
from members.models import Member
from tests.console import desk
from tests.loyalty.builders import assert_clean, figures, wallet_of

LIST = "/console/loyalty/entry/"
IMPORT = f"{LIST}import/"
PROCESS = f"{LIST}process_import/"


def upload(client: Client, content: str) -> Any:
    file = SimpleUploadedFile("balances.csv", content.encode(), content_type="text/csv")
    return client.post(IMPORT, {"import_file": file, "format": "0", "resource": "0"})


def confirm(client: Client, preview: Any) -> Any:
    return client.post(PROCESS, preview.context["confirm_form"].initial, follow=True)


def rows(member: Member, *more: str) -> str:
    lines = [f"{member.number},{row}" for row in more]
    return "\n".join(["member,points,earned_at,reference", *lines, ""])


class TestImport:
    def test_shows_a_preview_and_credits_when_confirmed(self, bob: Member) -> None:
        client = desk("owner")
        preview = upload(client, rows(bob, "100,2026-03-01,a", "50,2026-04-01,b"))
        assert [row.import_type for row in preview.context["result"].rows] == ["new", "new"]
        assert Entry.objects.count() == 0

        page = confirm(client, preview)

        assert figures(wallet_of(bob)) == {"active": 150, "earned": 150}
        assert len([str(each) for each in page.context["messages"]]) == 1
        log = LogEntry.objects.get()
        about = log.content_type and log.content_type.model
        assert (log.user.username, about) == ("owner", "program")
        assert_clean()

    def test_what_is_there_already_is_skipped(self, bob: Member) -> None:
        client = desk("owner")
        confirm(client, upload(client, rows(bob, "100,2026-03-01,a")))

        preview = upload(client, rows(bob, "100,2026-03-01,a", "50,2026-04-01,b"))
        confirm(client, preview)

        assert [row.import_type for row in preview.context["result"].rows] == ["skip", "new"]
        assert figures(wallet_of(bob)) == {"active": 150, "earned": 150}

    def test_a_bad_row_is_told_with_line_and_column_and_nothing_goes_in(self, bob: Member) -> None:
        same = "100,2026-03-01,"
        page = upload(desk("owner"), rows(bob, "x,2026-03-01,a", same, same, "1,2026-03-01,c"))

        told = [row.error_dict for row in page.context["result"].invalid_rows]
        assert [list(each) for each in told] == [["第 2 行 · points"], ["第 4 行"]]
        assert "confirm_form" not in page.context
        assert Entry.objects.count() == 0

    def test_what_changed_since_the_preview_credits_nothing(self, bob: Member) -> None:
        client = desk("owner")
        preview = upload(client, rows(bob, "100,2026-03-01,a", "50,2026-04-01,b"))
        Member.objects.filter(pk=bob.pk).update(status="closed")

        page = confirm(client, preview)

        assert len([str(each) for each in page.context["messages"]]) == 1
        assert Entry.objects.count() == 0

    def test_too_many_rows_are_sent_to_the_command(
        self, bob: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uploads, "LARGEST_IMPORT", 1)

        page = upload(desk("owner"), rows(bob, "1,2026-03-01,a", "2,2026-04-01,b"))

        assert "import_balances" in str(page.context["form"].errors["import_file"])

    @pytest.mark.parametrize("role", ["manager", "clerk"])
    def test_only_who_keeps_the_program_may(self, bob: Member, role: str) -> None:
        client = desk(role)

        assert upload(client, rows(bob, "1,2026-03-01,a")).status_code == 403
        assert client.post(PROCESS, {}).status_code == 403
        assert IMPORT not in client.get(LIST).content.decode()
        assert Entry.objects.count() == 0

    def test_the_list_leads_there(self, db: None) -> None:
        assert "import/" in desk("owner").get(LIST).content.decode()
