"""What travels compressed, and what must not."""

import zlib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from config.compression import CompressionMiddleware
from tests.portal import sign_in

STYLES = "/static/css/components.css"
SOURCE = Path(settings.BASE_DIR, "static/css/components.css").read_bytes()
READS_GZIP: dict[str, Any] = {"HTTP_ACCEPT_ENCODING": "gzip, deflate, br"}


def body(response: Any) -> bytes:
    return b"".join(response) if response.streaming else bytes(response.content)


def unpacked(response: Any) -> bytes:
    assert response["Content-Encoding"] == "gzip"
    # Static files are sent in pieces; the padding against BREACH lies in the head.
    return zlib.decompress(body(response), wbits=31)


def answered(answer: HttpResponse | StreamingHttpResponse, **asked: Any) -> Any:
    """What the middleware makes of an answer."""
    request = RequestFactory().generic(asked.pop("method", "GET"), "/", **READS_GZIP, **asked)
    return CompressionMiddleware(lambda _request: answer)(request)


class TestPages:
    def test_weigh_less_and_say_the_same(self, client: Client, ada: Any) -> None:
        sign_in(client, ada)
        plain = client.get("/rewards")
        packed = client.get("/rewards", **READS_GZIP)

        assert "Content-Encoding" not in plain
        assert len(packed.content) < len(plain.content) / 2
        assert unpacked(packed).decode().count("<a ") == plain.content.decode().count("<a ")
        assert "Accept-Encoding" in plain["Vary"]
        assert "Accept-Encoding" in packed["Vary"]
        assert packed["Content-Security-Policy"] == plain["Content-Security-Policy"]

    def test_have_no_length_that_tells_what_is_in_them(self, client: Client, db: None) -> None:
        lengths = {len(client.get("/", **READS_GZIP).content) for _ in range(8)}
        assert len(lengths) > 1

    def test_of_the_api_too(self, client: Client, db: None) -> None:
        assert b"openapi" in unpacked(client.get("/api/v1/schema/", **READS_GZIP))


class TestStaticFiles:
    def test_weigh_a_quarter(self, client: Client) -> None:
        packed = client.get(STYLES, **READS_GZIP)
        sent = body(packed)

        assert zlib.decompress(sent, wbits=31) == SOURCE
        assert len(sent) < len(SOURCE) / 4

    def test_are_plain_for_who_cannot_read_gzip(self, client: Client) -> None:
        plain = client.get(STYLES)

        assert body(plain) == SOURCE
        assert "Accept-Encoding" in plain["Vary"]

    @pytest.mark.parametrize("headers", [READS_GZIP, {}])
    def test_a_browser_that_has_it_gets_nothing_again(
        self, client: Client, headers: dict[str, Any]
    ) -> None:
        first = client.get(STYLES, **headers)
        assert body(first)  # read to the end, which closes the file
        again = client.get(STYLES, HTTP_IF_NONE_MATCH=first["ETag"], **headers)

        assert (again.status_code, body(again)) == (304, b"")
        assert "Content-Encoding" not in again

    def test_a_part_is_a_part_of_the_file(self, client: Client) -> None:
        part = client.get(STYLES, HTTP_RANGE="bytes=10-19", **READS_GZIP)

        assert (part.status_code, body(part)) == (206, SOURCE[10:20])

    def test_are_compressed_when_they_are_collected_and_sent_like_that(
        self, tmp_path: Path, settings: Any
    ) -> None:
        settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = tmp_path, False
        place = {**settings.STORAGES["staticfiles"], "OPTIONS": {"location": tmp_path}}
        collected: Any = storages.create_storage(place)
        collected.save("all.css", ContentFile(SOURCE))
        list(collected.post_process({"all.css": (collected, "all.css")}))

        answer = Client().get("/static/all.css", **READS_GZIP)
        assert body(answer) == (tmp_path / "all.css.gz").read_bytes()
        assert answer["Content-Encoding"] == "gzip"


class TestLeftAlone:
    @pytest.mark.parametrize("kind", ["image/webp", "application/zip", "application/octet-stream"])
    def test_what_is_no_text(self, kind: str) -> None:
        answer = answered(HttpResponse(b"a" * 1000, content_type=kind))
        assert (answer.content, "Content-Encoding" in answer) == (b"a" * 1000, False)

    def test_the_head_of_a_page(self) -> None:
        assert "Content-Encoding" not in answered(HttpResponse("a" * 1000), method="HEAD")

    def test_what_is_short(self) -> None:
        assert answered(HttpResponse("ok")).content == b"ok"


def test_a_long_list_is_compressed_as_it_comes() -> None:
    lines = (f"{number},order\n" for number in range(5000))
    answer = answered(StreamingHttpResponse(lines, content_type="text/csv"))
    assert unpacked(answer).decode().splitlines()[-1] == "4999,order"
