"""Pictures of rewards: whatever comes in is looked at within bounds and written anew, small and without metadata."""

import hashlib
from io import BytesIO

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from members import transactions, validation
from members.errors import InvalidInput
from rewards.models import Reward, RewardPicture

MOST_MEGABYTES = 5
MOST_MEGAPIXELS = 40
LONGEST_SIDE = 1_200
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 82
TRANSPARENT_MODES = ("RGBA", "LA", "PA", "La", "RGBa")

# What Pillow raises for a file that is no picture, is cut off or pretends to be huge.
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def keep(*, reward: Reward, body: bytes) -> RewardPicture:
    """Make a file (JPEG, PNG or WebP) the picture of a reward, in place of one that it has.

    Raises InvalidInput for what is too large or no picture.
    """
    image = _decoded(body)
    written = BytesIO()
    image.save(written, "WEBP", quality=QUALITY, method=4)
    values = {
        "body": written.getvalue(),
        "width": image.width,
        "height": image.height,
        "digest": hashlib.sha256(written.getvalue()).hexdigest(),
    }

    def work() -> RewardPicture:
        locked = Reward.objects.select_for_update(no_key=True).get(pk=reward.pk)
        return RewardPicture.objects.update_or_create(reward=locked, defaults=values)[0]

    return transactions.in_transaction(work)


def remove(*, reward: Reward) -> None:
    """Take the picture away; the drawing is shown again."""
    RewardPicture.objects.filter(reward=reward).delete()


def find(*, code: str, digest: str) -> bytes | None:
    """The picture (WebP) of a reward if it is the one with this digest."""
    if not validation.is_storable(code + digest):
        return None
    found = RewardPicture.objects.filter(reward__code=code, digest=digest)
    body = found.values_list("body", flat=True).first()
    return None if body is None else bytes(body)


def _decoded(body: bytes) -> Image.Image:
    """The picture upright, within its bounds, in a new image that has nothing but its dots."""
    if len(body) > MOST_MEGABYTES * 1024 * 1024:
        detail = _("The picture is larger than %(most)d MB. Make it smaller, then try again.")
        raise InvalidInput("/picture", "too_large", detail % {"most": MOST_MEGABYTES})
    try:
        with Image.open(BytesIO(body), formats=FORMATS) as opened:
            _refuse_huge(opened)
            opened.draft(
                "RGB", (LONGEST_SIDE, LONGEST_SIDE)
            )  # a JPEG is decoded at a smaller scale
            upright = ImageOps.exif_transpose(opened)
            has_holes = upright.mode in TRANSPARENT_MODES or "transparency" in upright.info
            plain = upright.convert("RGBA" if has_holes else "RGB")
    except UNREADABLE:
        raise _unreadable() from None
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    fresh = Image.new(plain.mode, plain.size)
    fresh.paste(plain)
    return fresh


def _refuse_huge(opened: Image.Image) -> None:
    """A small file may claim any number of dots: it is refused before they are made."""
    if opened.width * opened.height > MOST_MEGAPIXELS * 1_000_000:
        detail = _("The picture has more than %(most)d million dots. Make it smaller.")
        raise InvalidInput("/picture", "too_large", detail % {"most": MOST_MEGAPIXELS})


def _unreadable() -> InvalidInput:
    return InvalidInput(
        "/picture", "invalid", _("This is not a picture that can be read: JPEG, PNG or WebP.")
    )
