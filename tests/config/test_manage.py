import pytest

import manage


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
