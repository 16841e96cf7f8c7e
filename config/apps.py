import gc
from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "config"

    def ready(self) -> None:
        import_module("config.checks")
        # Whoever asks for background work, the web server too, has to know the broker.
        import_module("config.celery")
        # What is loaded now stays for good: the garbage collector need not walk through it again and again.
        gc.freeze()
