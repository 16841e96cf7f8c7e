from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from members import clients
from members.errors import InvalidInput
from members.models import ApiClient


def stored_client(key: str) -> ApiClient:
    client = ApiClient.objects.get_from_key(key)
    assert isinstance(client, ApiClient)
    return client


class TestCreate:
    def test_the_key_opens_the_client_and_only_its_hash_is_stored(self, db: None) -> None:
        key = clients.create(name=" till 3 ", scopes=["spend", "read", "spend"])
        client = stored_client(key)
        assert (client.name, client.scopes) == ("till 3", ["read", "spend"])
        stored = str(ApiClient.objects.values().get())
        assert key not in stored
        assert key.partition(".")[2] not in stored

    @pytest.mark.parametrize(
        ("name", "scopes", "pointer"),
        [
            ("", ["read"], "/name"),
            ("n" * 51, ["read"], "/name"),
            ("till", [], "/scopes"),
            ("till", ["read", "everything"], "/scopes/1"),
        ],
    )
    def test_points_at_bad_input(
        self, db: None, name: str, scopes: list[str], pointer: str
    ) -> None:
        with pytest.raises(InvalidInput) as problem:
            clients.create(name=name, scopes=scopes)
        assert problem.value.pointer == pointer
        assert not ApiClient.objects.exists()


class TestCommand:
    def run(self, *arguments: Any) -> list[str]:
        output = StringIO()
        call_command("create_api_key", *arguments, stdout=output, stderr=StringIO())
        return output.getvalue().splitlines()

    def test_prints_the_key_alone_on_the_last_line(self, db: None) -> None:
        lines = self.run("till 3", "--scope", "read", "--scope", "earn")
        client = stored_client(lines[-1])
        assert (client.name, client.scopes) == ("till 3", ["read", "earn"])

    @pytest.mark.parametrize(
        "arguments",
        [
            ["till"],
            ["till", "--scope", "everything"],
            ["", "--scope", "read"],
            ["--scope", "read"],
        ],
    )
    def test_says_what_is_wrong(self, db: None, arguments: list[str]) -> None:
        with pytest.raises(CommandError):
            self.run(*arguments)
        assert not ApiClient.objects.exists()
