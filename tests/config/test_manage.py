import pytest
from django.core.management import get_commands, load_command_class

import manage

OWN_APPS = {"config", "members", "loyalty", "rewards", "campaigns"}
OWN_COMMANDS = sorted(name for name, app in get_commands().items() if app in OWN_APPS)


class TestNeedsDatabase:
    @pytest.mark.parametrize(
        ("arguments", "needed"),
        [
            (["migrate"], True),
            (["makemigrations", "--check"], True),
            (["shell"], True),
            ([], False),
            (["help", "migrate"], False),
            (["migrate", "--help"], False),
            (["--version"], False),
            (["messages", "--compile"], False),
            (["serve", "--port", "8001"], False),
        ],
    )
    def test_brings_postgres_along_only_for_commands_that_talk_to_it(
        self, arguments: list[str], needed: bool
    ) -> None:
        assert manage.needs_database(arguments) is needed


class TestHelp:
    @pytest.mark.parametrize("name", OWN_COMMANDS)
    def test_of_our_own_commands_can_be_read(self, name: str) -> None:
        command = load_command_class(get_commands()[name], name)
        assert "--help" in command.create_parser("manage.py", name).format_help()
