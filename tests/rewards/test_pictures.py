import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from members.errors import InvalidInput
from rewards import pictures
from rewards.models import Reward, RewardPicture
from tests.rewards.conftest import new_reward


def drawn(
    size: tuple[int, int] = (40, 30), file: str = "PNG", mode: str = "RGB", **said: Any
) -> bytes:
    written = BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else None).save(written, file, **said)
    return written.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG of some bytes that says it is huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


class TestKeep:
    @pytest.mark.parametrize("file", ["PNG", "JPEG", "WEBP"])
    def test_writes_it_anew_as_webp(self, cake: Reward, file: str) -> None:
        made = pictures.keep(reward=cake, body=drawn(file=file))
        with Image.open(BytesIO(bytes(made.body))) as kept:
            assert (kept.format, kept.size) == ("WEBP", (40, 30))
        assert (made.width, made.height, len(made.digest)) == (40, 30, 64)

    def test_makes_it_fit(self, cake: Reward) -> None:
        made = pictures.keep(reward=cake, body=drawn((3_000, 1_500)))
        assert (made.width, made.height) == (1_200, 600)

    def test_leaves_metadata_out_and_turns_it_upright(self, cake: Reward) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by a quarter
        exif[0x010E] = "taken at home"
        body = drawn(file="JPEG", exif=exif, icc_profile=b"profile", comment=b"a secret")
        made = pictures.keep(reward=cake, body=body)
        kept = bytes(made.body)
        assert (made.width, made.height) == (30, 40)
        assert not any(word in kept for word in (b"home", b"profile", b"secret", b"EXIF"))

    @pytest.mark.parametrize(("mode", "expected"), [("RGBA", "RGBA"), ("L", "RGB"), ("P", "RGB")])
    def test_keeps_what_is_transparent(self, cake: Reward, mode: str, expected: str) -> None:
        made = pictures.keep(reward=cake, body=drawn(mode=mode))
        with Image.open(BytesIO(bytes(made.body))) as kept:
            assert kept.mode == expected

    def test_takes_the_place_of_the_one_before(self, cake: Reward) -> None:
        first = pictures.keep(reward=cake, body=drawn())
        second = pictures.keep(reward=cake, body=drawn((50, 50)))
        assert RewardPicture.objects.get() == second
        assert first.digest != second.digest

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "invalid"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "invalid"),
            (b"GIF89a", "invalid"),
            (drawn(file="GIF"), "invalid"),
            (drawn(file="TIFF"), "invalid"),
            (drawn()[:60], "invalid"),
            (drawn(file="JPEG")[:200], "invalid"),
            (b"0" * (5 * 1024 * 1024 + 1), "too_large"),
            (claiming(8_000, 5_001), "too_large"),
            (claiming(12_000, 12_000), "invalid"),  # where Pillow itself warns
            (claiming(100_000, 100_000), "invalid"),
        ],
    )
    def test_refuses_what_is_no_picture(self, cake: Reward, body: bytes, code: str) -> None:
        kept = pictures.keep(reward=cake, body=drawn())
        with pytest.raises(InvalidInput) as problem:
            pictures.keep(reward=cake, body=body)
        assert (problem.value.pointer, problem.value.code) == ("/picture", code)
        assert RewardPicture.objects.get() == kept

    def test_removing_it_leaves_the_drawing(self, cake: Reward) -> None:
        pictures.keep(reward=cake, body=drawn())
        pictures.remove(reward=cake)
        pictures.remove(reward=cake)
        assert not RewardPicture.objects.exists()


class TestPage:
    def test_is_public_and_kept_for_ever(self, client: Client, cake: Reward) -> None:
        made = pictures.keep(reward=cake, body=drawn())
        response = client.get(f"/rewards/cake/picture/{made.digest}")
        assert response.status_code == 200
        assert response.content == bytes(made.body)
        assert response["Content-Type"] == "image/webp"
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert not response.cookies

    def test_of_another_digest_or_reward_is_not_there(self, client: Client, cake: Reward) -> None:
        made = pictures.keep(reward=cake, body=drawn())
        new_reward("pie")
        for address in (
            f"cake/picture/{'0' * 64}",
            f"pie/picture/{made.digest}",
            "cake/picture/x",
        ):
            assert client.get(f"/rewards/{address}").status_code == 404
        assert client.post(f"/rewards/cake/picture/{made.digest}").status_code == 405
