"""A voucher's code as scanners read it: QR and Code 128, always dark on white, with their quiet zones."""

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from members.portal import qr
from rewards import code128, vouchers
from rewards.code128 import NotEncodable

HEIGHT = 48


def qr_of(code: str) -> SafeString:
    """The QR code of a voucher's code."""
    return qr.drawing(code, label=_("Voucher code %(code)s") % {"code": vouchers.pretty(code)})


def bars_of(code: str) -> SafeString | str:
    """The Code 128 of a voucher's code as an SVG; empty where a partner's code has letters that no bar code holds."""
    try:
        widths = code128.widths(code)
    except NotEncodable:
        return ""
    at, runs = code128.QUIET, []
    for place, width in enumerate(widths):
        if place % 2 == 0:
            runs.append(f"M{at} 0h{width}v{HEIGHT}h-{width}z")
        at += width
    return format_html(
        '<svg class="bars" viewBox="0 0 {0} {1}" preserveAspectRatio="none" role="img" aria-label="{2}"'
        ' shape-rendering="crispEdges"><path fill="currentColor" d="{3}"/></svg>',
        at + code128.QUIET,
        HEIGHT,
        _("Bar code of the voucher"),
        mark_safe("".join(runs)),  # noqa: S308 - only digits and path letters
    )
