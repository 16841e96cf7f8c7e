"""The OpenAPI document: complete, valid, and true of what the API answers."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from config.api.urls import urlpatterns
from members.api.endpoint import Endpoint
from members.models import Member
from tests.tills import Till

#: What tills and shops send.
SENT = (
    "OrderInput",
    "QuoteInput",
    "BatchInput",
    "LineInput",
    "PaymentInput",
    "RefundInput",
    "RefundLineInput",
    "StepInput",
    "HoldInput",
    "CaptureInput",
    "RedemptionInput",
    "FulfilInput",
    "EventInput",
    "CheckInInput",
    "ClientInput",
    "MemberInput",
)


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = Till().get("schema/").json()
    return found


class TestDocument:
    def test_is_made_without_warnings_and_is_valid(self, db: None, tmp_path: Path):
        call_command(
            "spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yaml")
        )

    @pytest.mark.parametrize("language", ["zh-hans", "en"])
    def test_describes_every_field_that_tills_and_shops_send(self, db: None, language: str):
        till = Till()
        till.headers["Accept-Language"] = language
        parts = till.get("schema/").json()["components"]["schemas"]
        for sent in SENT:
            (name,) = {sent, f"{sent}Request"} & set(parts)
            for field, words in parts[name]["properties"].items():
                text = words.get("description", "")
                assert bool(re.search("[\u4e00-\u9fff]", text)) == (language != "en"), (
                    name,
                    field,
                )
                assert text

    def test_shows_an_example_of_each_that_can_be_sent(self, db: None):
        shown = 0
        for item in document()["paths"].values():
            for operation in item.values():
                body = operation.get("requestBody", {}).get("content", {}).get("application/json")
                name = body["schema"].get("$ref", "").split("/")[-1] if body else ""
                if name.removesuffix("Request") not in SENT:
                    continue
                for example in body.get("examples", {}).values():
                    schema = {**body["schema"], "components": document()["components"]}
                    assert not list(Draft202012Validator(schema).iter_errors(example["value"]))
                    shown += 1
        assert shown >= 12

    def test_is_openapi_31_and_says_so_in_json_and_yaml(self, db: None):
        as_json = Till().get("schema/")
        till = Till()
        till.headers["Accept"] = "application/vnd.oai.openapi"
        as_yaml = till.get("schema/")

        assert as_json["Content-Type"] == "application/json"
        assert as_json.json()["openapi"].startswith("3.1")
        assert as_yaml["Content-Type"].startswith("application/vnd.oai.openapi")
        assert yaml.safe_load(as_yaml.content) == as_json.json()

    def test_has_every_address_and_method(self, db: None):
        expected = {
            (re.sub(r"<\w+:(\w+)>", r"{\1}", f"/api/{each.pattern}"), method)
            for each in urlpatterns
            if issubclass(each.callback.view_class, Endpoint)  # type: ignore[attr-defined]
            for method in ("get", "post", "patch")
            if hasattr(each.callback.view_class, method)  # type: ignore[attr-defined]
        }
        found = {(path, method) for path, item in document()["paths"].items() for method in item}

        assert found == expected

    def test_says_for_each_operation_what_it_is_what_it_needs_and_how_it_refuses(self, db: None):
        for path, item in document()["paths"].items():
            for method, operation in item.items():
                where = (path, method)
                headers = {
                    each["name"]: each
                    for each in operation["parameters"]
                    if each["in"] == "header"
                }
                assert operation["summary"], where
                assert operation["description"].startswith(("Scope: ", "权限")), where
                assert operation["security"] == [{"ApiKey": []}], where
                assert {"401", "403", "404", "503"} <= set(operation["responses"]), where
                problem = operation["responses"]["401"]["content"]
                assert set(problem) == {"application/problem+json"}
                assert ("Idempotency-Key" in headers) == (method != "get"), where
                if method == "post":
                    assert headers["Idempotency-Key"]["required"] is True
                    assert "422" in operation["responses"]


class TestPage:
    def test_loads_nothing_from_elsewhere_and_runs_no_script_of_its_own(self, db: None):
        response = Till(language="en").get("docs/")

        page = response.content.decode()
        assert response.status_code == 200
        assert "<script>" not in page
        assert "<style" not in page
        assert "http" not in re.sub(r"https?://testserver", "", page)
        for address in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert address.startswith(("/static/", "/api/v1/docs/?script="))
            if address.startswith("/static/"):
                assert finders.find(address.removeprefix("/static/")), address
        script = Till().get("docs/", script="")
        assert script["Content-Type"] == "application/javascript"
        assert b"/api/v1/schema/" in script.content or b"u002Dschema" in script.content

    @pytest.mark.parametrize("path", ["schema", "docs"])
    def test_is_found_without_the_slash_too(self, db: None, path: str):
        response = Till().get(path)

        assert response.status_code == 301
        assert response["Location"] == f"/api/v1/{path}/"


class Checked(Till):
    """A till that holds every answer against the document."""

    def get(self, path: str, **query: str) -> Any:
        return _checked("get", super().get(path, **query))

    def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        return _checked(method, super().send(method, path, body, headers))


def _checked(method: str, response: Any) -> Any:
    path = response.request["PATH_INFO"]
    template = min(
        (
            each
            for each in document()["paths"]
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each), path)
        ),
        key=lambda each: each.count("{"),
    )
    answers = document()["paths"][template][method]["responses"]
    content = answers[str(response.status_code)]["content"]
    schema = content[response["Content-Type"]]["schema"]
    whole = {**schema, "components": document()["components"]}
    errors = list(Draft202012Validator(whole).iter_errors(response.json()))
    assert not errors, (template, method, errors[0].json_path, errors[0].message)
    return response


class TestAnswers:
    def test_are_as_the_document_says(self, bob: Member):
        till = Checked("read", "earn", "spend", "manage")
        member = f"members/{bob.number}"
        order = {
            "number": "A-1",
            "member": bob.number,
            "placed_at": "2026-11-20T10:00:00+08:00",
            "lines": [{"sku": "cake", "amount": "6400.00"}],
        }
        till.post("members", {"phone": "13800138000", "birthday": "1990-05-01"})
        till.post("members", {"phone": "13800138000"})
        till.post("members", {})
        till.patch(member, {"name": "Bob"})
        till.post("orders/quote", order)
        till.post("orders", order)
        till.post("orders", order)
        till.post("orders/batch", {"orders": [{**order, "number": "A-2"}, {}]})
        till.post("orders/default/A-1/refunds", {"reference": "R", "amount": "5"})
        till.post("orders/default/A-1/refunds", {"reference": "S", "amount": "50000"})
        take = {"member": bob.number, "points": -5, "reason": "other", "reference": "T"}
        adjustment = till.post("adjustments", take).json()
        till.get(f"adjustments/{adjustment['id']}")
        cake = {"code": "cake", "name": "Cake", "kind": "gift", "points": 100, "stock": 5}
        till.post("rewards", cake)
        till.patch("rewards/cake", {"per_member": 2})
        till.patch("rewards", {"code": "cake", "cost": "2.50"})
        till.post("rewards/cake/variants", {"code": "l", "name": "L", "active": False})
        till.patch("rewards/cake/variants/l", {"stock": 5})
        till.patch("rewards/cake/variants", {"code": "l", "extra_points": 5})
        window = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2099-01-01T00:00:00Z"}
        till.post("offers", {"code": "o", "name": "O", "reward": "cake", "points": 90, **window})
        till.patch("offers/o", {"stock": 5})
        till.patch("offers", {"code": "o", "points": 95, "kind": "clearance"})
        till.post("projects", {"code": "forest", "name": "Forest", "goal_points": 5})
        till.patch("projects/forest", {"summary": "Trees"})
        till.patch("projects", {"code": "forest", "goal_points": None})
        wish = {"member": bob.number, "reward": "cake", "reference": "W"}
        redeemed = till.post("redemptions", wish).json()
        code = redeemed["vouchers"][0]["code"]
        till.post(f"vouchers/{code}/use")
        till.post(f"vouchers/{code}/use")
        till.post(f"redemptions/{redeemed['number']}/cancel")
        other = till.post("redemptions", {**wish, "reference": "X"}).json()
        unused = other["vouchers"][0]["code"]
        till.post(f"vouchers/{unused}/give", {"to": bob.number})
        till.post(f"vouchers/{unused}/void", {"reason": "misprint"})
        till.post(f"redemptions/{other['number']}/cancel")
        till.patch("program", {"expiry": {"policy": "fixed_date", "date": "12-31"}})
        till.post("tiers", {"code": "black", "name": "黑卡", "rank": 9, "threshold": 90_000})
        till.patch("tiers/silver", {"benefits": [{"code": "a", "kind": "b", "name": "c"}]})
        till.patch("tiers", {"code": "gold", "name": "金"})
        till.post("stores", {"code": "jingan", "name": "静安寺店"})
        till.patch("stores/jingan", {"name": "静安"})
        till.patch("stores", {"code": "jingan", "name": "静安"})
        for path in (
            "members",
            member,
            f"{member}/wallet",
            f"{member}/lots",
            f"{member}/entries",
            f"{member}/tier",
            "orders/default/A-1",
            "orders/default/A-1/explanation",
            "projects",
            "projects/forest",
            f"{member}/messages",
            "rewards",
            "rewards/cake",
            "rewards/cake/variants",
            "rewards/cake/variants/l",
            "offers",
            "offers/o",
            f"redemptions/{redeemed['number']}",
            f"vouchers/{code}",
            "program",
            "tiers",
            "tiers/gold",
            "stores",
            "stores/jingan",
        ):
            assert till.get(path).status_code == 200, path
        assert till.get("rewards", member=bob.number).status_code == 200
        assert till.get("rewards/cake", member=bob.number).status_code == 200
        assert till.get(member + "x").status_code == 404

    def test_of_campaigns_are_as_the_document_says(self, db: None):
        till = Checked("read", "manage")
        body = {"code": "c", "name": "C", "effect": {"type": "multiplier", "value": "1"}}
        conditions = {
            "after_spend": {"amount": "500", "days": 30},
            "period_count": {"period": "month", "orders": 4},
            "first_order": False,
            "min_amount": "5",
        }
        limits = {"per_member": 5, "budget_points": 3}
        till.post("campaigns", {**body, "conditions": conditions, "limits": limits})
        till.post("campaigns", body)
        till.post("campaigns", {**body, "code": "d", "partner": "x", "partner_share": "0.25"})
        event = {"trigger": "review", "conditions": {"event_data": {"stars": {"gte": 4}}}}
        bonus = {"type": "bonus", "points": 5}
        till.post("campaigns", {**body, "code": "e", **event, "effect": bonus})
        till.patch("campaigns/c", {"state": "active", "combine": {"group": "g", "priority": 5}})
        till.patch("campaigns", {"code": "c", "state": "ended"})
        till.patch("campaigns/c", {"name": "x"})
        assert till.get("campaigns").status_code == 200
        assert till.get("campaigns/e").status_code == 200

    def test_of_giving_are_as_the_document_says(self, ada: Member, bob: Member):
        till = Checked("read", "spend", "manage")
        said = {"member": ada.number, "points": 100, "reference": "R"}
        first, second = (
            till.post("holds", {**said, "reference": name}).json()["id"] for name in ("A", "B")
        )
        till.post("holds", {**said, "reference": "A"})
        till.post("holds", {**said, "points": 5_000})
        till.get(f"holds/{first}")
        till.post(f"holds/{first}/capture", {"points": 60})
        till.post(f"holds/{first}/capture", {})
        till.post(f"holds/{second}/release")
        till.post(f"holds/{second}/capture", {"order": "none"})
        till.patch("program", {"transfer": {"enabled": True, "fee": 1, "per_day": 150}})
        gift = {"from": ada.number, "to": bob.number, "points": 100, "reference": "T"}
        for change in ({}, {}, {"points": 99}, {"reference": "U"}, {"to": "x", "reference": "V"}):
            till.post("transfers", gift | change)
        for path, more in (("donations", {"project": "forest"}), ("buy-backs", {})):
            till.post(path, said | more)
            till.post(path, said | more)
            till.post(path, said | more | {"points": True})
        assert till.get(f"members/{ada.number}/entries").status_code == 200
