"""What holds for every address of the API, walked from the table of addresses itself."""

from typing import Any

import pytest
from django.urls import URLPattern

from config.api.urls import NothingView, urlpatterns
from members.api.endpoint import Endpoint
from members.models import ApiClient
from tests.tills import ALL_SCOPES, Till, pointers

NAMES = {"number": "1", "source": "default", "code": "x", "id": "1", "variant": "y"}


def _view(pattern: URLPattern) -> Any:
    return pattern.callback.view_class  # type: ignore[attr-defined]


def _path(pattern: URLPattern) -> str:
    path = str(pattern.pattern)
    for name, value in NAMES.items():
        for converter in ("str", "path", "int"):
            path = path.replace(f"<{converter}:{name}>", value)
    return "/api/" + path


ENDPOINTS = [each for each in urlpatterns if issubclass(_view(each), Endpoint)]
ROUTES = [
    (method, _path(each), _view(each))
    for each in ENDPOINTS
    for method in ("GET", "POST", "PATCH")
    if hasattr(_view(each), method.lower())
]
POSTS = [route for route in ROUTES if route[0] == "POST"]


def _send(till: Till, method: str, path: str, **headers: str) -> Any:
    if method == "GET":
        return till.get(path)
    return till.send(method.lower(), path, {}, headers)


class TestEveryRoute:
    def test_is_an_endpoint_or_one_of_the_three_that_need_no_key(self):
        others = {_view(each) for each in urlpatterns} - {_view(each) for each in ENDPOINTS}

        assert {each.__name__ for each in others} == {
            "SchemaView",
            "DocumentationView",
            NothingView.__name__,
        }

    def test_names_scopes_that_exist(self):
        for method, path, view in ROUTES:
            scopes = set(view.scopes[method].split())
            assert scopes, path
            assert scopes <= set(ApiClient.Scope.values), path

    def test_answers_401_without_a_key(self, db: None):
        till = Till()
        for method, path, _view in ROUTES:
            response = _send(till, method, path, **{"Idempotency-Key": "k"})

            assert response.status_code == 401, (method, path)
            assert response["Content-Type"] == "application/problem+json"
            assert response["WWW-Authenticate"] == "Api-Key"
            assert response.json()["code"] == "not_authenticated"

    def test_answers_403_to_a_key_with_every_scope_but_its_own(self, db: None):
        everything = {*ALL_SCOPES, "personal"}
        tills: dict[tuple[str, ...], Till] = {}
        for method, path, view in ROUTES:
            others = tuple(sorted(everything - set(view.scopes[method].split())))
            if others not in tills:
                tills[others] = Till(*others)

            response = _send(tills[others], method, path, **{"Idempotency-Key": "k"})

            assert response.status_code == 403, (method, path)
            assert response.json()["code"] == "permission_denied"

    def test_answers_405_to_a_method_it_does_not_know(self, till: Till):
        for method, path, _view in ROUTES:
            response = till.send("delete", path, None, {})

            assert response.status_code == 405, path
            assert response["Content-Type"] == "application/problem+json"
            assert method in response["Allow"]

    def test_is_not_there_with_a_slash_at_the_end(self, till: Till):
        for _method, path, _view in ROUTES:
            response = till.get(path + "/")

            assert response.status_code == 404, path
            assert response["Content-Type"] == "application/problem+json"

    def test_leaves_nothing_else_under_api(self, db: None):
        for path in (
            "/api/",
            "/api/v1/",
            "/api/v1/nothing",
            "/api/v2/members",
            "/api/v1/schema/x",
        ):
            response = Till().get(path)
            assert response.status_code == 404, path
            assert response["Content-Type"] == "application/problem+json"
            assert response.json()["code"] == "not_found"


class TestEveryPost:
    def test_is_done_once(self):
        for _method, path, view in POSTS:
            assert view.post.is_done_once, path

    @pytest.mark.parametrize("key", ["", " ", "k" * 256])
    def test_answers_400_without_a_usable_idempotency_key(self, till: Till, key: str):
        for _method, path, _view in POSTS:
            response = till.send("post", path, {}, {"Idempotency-Key": key})

            assert response.status_code == 400, path
            assert response.json()["code"].startswith("idempotency_key_")

    @pytest.mark.parametrize(
        "body", ["[]", '"x"', "null", "7", "true", "{", '{"a":1,"a":2}', '{"a":NaN}'], ids=repr
    )
    def test_answers_400_to_a_body_that_is_no_object(self, till: Till, body: str):
        for _method, path, _view in POSTS:
            response = till.post(path, body)

            if path.endswith("/codes"):
                assert response.status_code == 415, path  # it takes a file
                continue
            if (
                path.endswith(("/approve", "/read", "/cancel", "/issue", "/reject", "/release"))
                and response.status_code == 404
            ):
                continue  # it reads nothing from its body
            assert response.status_code == 400, path
            assert set(pointers(response)) == {""}

    def test_answers_415_to_anything_but_json(self, till: Till):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for _method, path, _view in POSTS:
            response = till.post(path, "a=1", **form)

            assert response.status_code == 415, path
            assert response.json()["code"] == "unsupported_media_type"
