"""Where sign-in codes go: the gateway named in `SMS_GATEWAY`, in the demo the console log."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.utils.module_loading import import_string

logger = logging.getLogger("jifen.sms")


def masked(phone: str) -> str:
    """+8613812348026 → +86138****8026."""
    return f"{phone[:-8]}****{phone[-4:]}"


def send_code(*, phone: str, code: str) -> None:
    """Hand the code to the gateway; without one, say in the log what is missing, never the code."""
    if settings.SMS_GATEWAY:
        gateway: Callable[[str, str], None] = import_string(settings.SMS_GATEWAY)
        gateway(phone, code)
    elif settings.DEBUG:
        logger.info("验证码 %s → %s", code, masked(phone))
    else:
        logger.error("No code was sent to %s: SMS_GATEWAY is not set.", masked(phone))
