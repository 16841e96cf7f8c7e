import gc
from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "config"

    def ready(self) -> None:
        import_module("config.checks")
        # What is loaded now stays for good: the garbage collector need not walk through it again and again.
        gc.freeze()
