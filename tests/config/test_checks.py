import pytest

from config import checks


def _ids() -> list[str | None]:
    return [found.id for found in checks.production_settings(None)]


class TestProductionSettings:
    def test_says_nothing_in_the_demo(self, settings):
        settings.DEBUG = True

        assert _ids() == []

    def test_refuses_the_demos_key_and_every_host(self, settings, monkeypatch):
        settings.DEBUG = False
        settings.SECRET_KEY = "demo-only-" + "x" * 54
        settings.ALLOWED_HOSTS = ["*"]
        for name in ("DATABASE_URL", "CELERY_BROKER_URL", "REDIS_URL"):
            monkeypatch.setenv(name, "set")

        assert _ids() == ["jifen.E001", "jifen.E002"]

    def test_warns_of_embedded_servers(self, settings, monkeypatch):
        settings.DEBUG = False
        settings.SECRET_KEY = "k" * 50
        settings.ALLOWED_HOSTS = ["points.example.com"]
        for name in ("DATABASE_URL", "CELERY_BROKER_URL", "REDIS_URL"):
            monkeypatch.delenv(name, raising=False)

        assert _ids() == ["jifen.W001", "jifen.W002", "jifen.W003"]


class TestExpiryConnections:
    @pytest.mark.parametrize(("connections", "found"), [(0, 1), (1, 0), (32, 0), (33, 1)])
    def test_are_1_to_32(self, settings, connections, found):
        settings.EXPIRY_CONNECTIONS = connections

        assert len(checks.expiry_connections(None)) == found
