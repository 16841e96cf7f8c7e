"""QR codes as inline drawings that take their colours from the stylesheet."""

import segno
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe


def drawing(content: str, *, label: str) -> SafeString:
    """An SVG of the QR code; `label` is what a screen reader says.

    One path of horizontal runs: a filled unit square for each dark module.
    """
    rows = list(segno.make(content, error="m", micro=False).matrix)
    path = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    return format_html(
        '<svg class="qr" viewBox="0 0 {0} {0}" role="img" aria-label="{1}"'
        ' shape-rendering="crispEdges"><path fill="currentColor" d="{2}"/></svg>',
        len(rows),
        label,
        mark_safe(path),  # noqa: S308 - only digits and path letters
    )
