"""Before the shop opens; `.ci/run` opens it for real, asks for pages and closes it."""

import socket
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from kombu import Connection

from config import serve, settings


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind((serve.HOST, 0))
        other.listen()
        yield other.getsockname()[1]


class TestRefuseTakenPort:
    def test_names_the_port_and_the_way_out(self, taken_port: int) -> None:
        with pytest.raises(serve.CannotServe) as refusal:
            serve.refuse_taken_port(taken_port)
        assert str(refusal.value).startswith(f"Port {taken_port} is taken")
        assert f"make run PORT={taken_port + 1}" in str(refusal.value)

    def test_says_no_to_a_port_that_is_none(self) -> None:
        with pytest.raises(serve.CannotServe, match="Port 70000 cannot be used"):
            serve.refuse_taken_port(70000)

    def test_says_nothing_of_a_free_port(self, taken_port: int) -> None:
        with socket.socket() as probe:
            probe.bind((serve.HOST, 0))
            free_port = probe.getsockname()[1]
        serve.refuse_taken_port(free_port)


class TestServeCommand:
    def test_refuses_a_taken_port_before_it_prepares_anything(self, taken_port: int) -> None:
        # Without access to a database, which pytest-django withholds here: touching it would fail.
        with pytest.raises(CommandError, match=f"Port {taken_port} is taken"):
            call_command("serve", port=taken_port, skip_checks=True)


class TestServices:
    def test_name_the_host_of_their_broker(self) -> None:
        # Else kombu warns, again and again, that it takes localhost.
        assert Connection(settings.CELERY_BROKER_URL).hostname

    def test_runs_web_server_worker_and_timetable(self) -> None:
        running = {service.name: service.arguments for service in serve.services(8123)}
        assert list(running) == ["web", "worker", "timetable"]
        assert "127.0.0.1:8123" in running["web"]
