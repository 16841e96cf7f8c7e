"""What the portal needs from the settings."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register(deploy=False)
def sms_gateway(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Outside the demo, sign-in codes need a way to the phone."""
    if settings.DEBUG or settings.SMS_GATEWAY:
        return []
    return [
        Warning(
            "SMS_GATEWAY is not set: nobody receives a sign-in code.",
            hint="Name a function (phone, code) that sends the text, for example shop.sms.send.",
            id="members.W001",
        )
    ]
