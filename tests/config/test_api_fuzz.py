"""Whatever is sent, the API answers with what it documents: never with a 5xx, and bad input writes nothing."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from campaigns.models import Campaign
from members.models import Member
from rewards.models import Reward
from tests.config.test_api_routes import ENDPOINTS, ROUTES
from tests.tills import ALL_SCOPES, Till

PATTERNS = [f"/api/{each.pattern}" for each in ENDPOINTS if "<" in str(each.pattern)]
WRITES = [(method, path) for method, path, _view in ROUTES if method != "GET"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**66)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "2026-11-20T10:00:00+08:00",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "64.00",
            "-5.00",
            "0",
            "999999999999999999.99",
            "default",
            "cake",
            "paid",
            "other",
            "+8613800138000",
            "{number}",
            "\x00",
            "\ud800",
        ]
    )
)
NAMES = (
    "member number placed_at lines sku amount quantity reference points reason expires_at reward "
    "store phone birthday enrolled_at code name rank threshold kind stock orders at expiry policy "
    "months tiers benefits starts_at ends_at source payments method tags client ip to project message expires_in order"
)
FILTERS = "phone email number external_id tier kind from to cursor page_size member"
names = st.sampled_from(NAMES.split()) | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
    max_leaves=20,
)

CAMPAIGN: dict[str, Any] = {
    "name": "Double",
    "state": "active",
    "starts_at": "2026-11-20T10:00:00+08:00",
    "conditions": {
        "weekdays": [6],
        "hours": ["11:30-13:30"],
        "stores": [],
        "tiers": ["gold"],
        "min_amount": "5.00",
        "skus": ["cake"],
        "after_spend": {"amount": "5.00", "days": 3},
        "period_count": {"period": "month", "orders": 4},
    },
    "effect": {"type": "multiplier", "value": "2", "scope": "order"},
    "limits": {"per_member": 500, "budget_points": 5000, "on_exceed": "cut"},
    "combine": {"group": "a", "mode": "best", "priority": 10},
    "partner": "bank",
    "partner_share": "0.5",
}


REWARD = {
    "tiers": [],
    "tier_prices": {"gold": 4},
    "pricing": {"floor": "0.5", "rules": [{"type": "demand", "above": "2", "factor": "1.2"}]},
    "discount_amount": "5.00",
    "weekdays": [1],
    "valid_from_days": 1,
    "draft_minutes": 5,
}
SESSION = {"begins_at": "2026-11-20T10:00:00+08:00", "ends_at": "2026-11-20T11:00:00+08:00"}
WINDOW = {"starts_at": "2026-11-20T10:00:00+08:00", "ends_at": "2026-11-20T11:00:00+08:00"}


def valid_bodies(number: str) -> dict[tuple[str, str], dict[str, Any]]:
    line = {"sku": "cake", "amount": "64.00", "quantity": 1, "tags": []}
    order = {
        "number": "A-1",
        "member": number,
        "placed_at": "2026-11-20T10:00:00+08:00",
        "lines": [line],
        "payments": [{"method": "card", "amount": "64.00"}],
    }
    posts: dict[str, dict[str, Any]] = {
        "members": {"phone": "13800138000", "birthday": "1990-05-01", "client": {"ip": "::1"}},
        "orders": order,
        "orders/quote": order,
        "orders/batch": {"orders": [order, {**order, "number": "A-2"}]},
        "adjustments": {"member": number, "points": 5, "reason": "other", "reference": "A"},
        "holds": {"member": number, "points": 5, "reference": "H", "expires_in": 60},
        "transfers": {"from": number, "to": "x", "points": 5, "reference": "T", "message": "m"},
        "donations": {"member": number, "points": 5, "project": "forest", "reference": "D"},
        "buy-backs": {"member": number, "points": 5, "reference": "B"},
        "redemptions": {"member": number, "reward": "cake", "reference": "W", "quantity": 1},
        "rewards": {"code": "pie", "name": "Pie", "kind": "coupon", "points": 5, **REWARD},
        "rewards/cake/variants": {"code": "l", "name": "L", "stock": 5, "place": "x", **SESSION},
        "offers": {"code": "o", "name": "O", "reward": "cake", "points": 1, "cash": "0", **WINDOW},
        "tiers": {"code": "black", "name": "B", "rank": 9, "threshold": 90000, "benefits": []},
        "stores": {"code": "s", "name": "S"},
        "campaigns": {"code": "new", **CAMPAIGN},
    }
    changes: dict[str, dict[str, Any]] = {
        "campaigns/double": CAMPAIGN,
        f"members/{number}": {"name": "Ada", "phone": "13800138001", "consents": {"sms": True}},
        "rewards/cake": {"stock": 5, "starts_at": "2026-11-20T10:00:00+08:00", "valid_days": 3},
        "tiers/silver": {"multiplier": "1.2", "benefits": [], "threshold": 5000},
        "program": {
            "earn_rate": "1",
            "time_zone": "Asia/Shanghai",
            "expiry": {"policy": "fixed_date", "months": 24, "date": "12-31"},
            "transfer": {"enabled": True, "min": 1, "per_day": 100, "fee": 0},
            "pay_with_points": {"max_share": "1", "min": 1},
            "pending_days": 3,
        },
    }
    return {("post", path): body for path, body in posts.items()} | {
        ("patch", path): body for path, body in changes.items()
    }


@pytest.fixture
def caller(db: None, ada: Member) -> Till:
    Reward.objects.create(code="cake", name="Cake", kind="gift", points=1)
    Campaign.objects.create(code="double", name="Double", effect=CAMPAIGN["effect"])
    return Till(*ALL_SCOPES)


def _send(caller: Till, method: str, path: str, body: Any) -> Any:
    with transaction.atomic():
        response = caller.send(method.lower(), path, json.dumps(body), {"Idempotency-Key": "fuzz"})
        transaction.set_rollback(True)
    return response


relaxed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class TestAnyBody:
    @relaxed
    @given(route=st.sampled_from(WRITES), body=values)
    @example(route=("POST", "/api/v1/orders"), body=[[]])
    def test_never_gives_5xx(self, caller: Till, route: tuple[str, str], body: Any):
        method, path = route

        response = _send(caller, method, path, body)

        assert response.status_code < 500, response.content
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/problem+json"


class TestBodyWithOneWrongValue:
    @relaxed
    @given(data=st.data())
    def test_never_gives_5xx(self, caller: Till, ada: Member, data: st.DataObject):
        bodies = valid_bodies(ada.number)
        method, path = data.draw(st.sampled_from(sorted(bodies)))
        body = json.loads(json.dumps(bodies[method, path]))
        places = list(_places(body))
        holder, name = data.draw(st.sampled_from(places))
        holder[name] = data.draw(values)

        response = _send(caller, method, path, body)

        assert response.status_code < 500, (path, body, response.content)


def _places(value: Any) -> Any:
    """Every place in the body that holds a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in list(items):
        yield value, name
        if isinstance(inner, dict | list):
            yield from _places(inner)


class TestAnyQuery:
    @relaxed
    @given(
        route=st.sampled_from([path for method, path, _view in ROUTES if method == "GET"]),
        query=st.dictionaries(
            st.sampled_from(FILTERS.split()),
            st.text(st.characters(codec="utf-8"), max_size=30),
            max_size=3,
        ),
    )
    def test_never_gives_5xx(self, caller: Till, route: str, query: dict[str, str]):
        assert caller.get(route, **query).status_code < 500


class TestAnyName:
    @relaxed
    @given(route=st.sampled_from(PATTERNS), name=st.text(st.characters(codec="utf-8"), min_size=1))
    def test_in_an_address_never_gives_5xx(self, caller: Till, route: str, name: str):
        path = re.sub(r"<\w+:\w+>", quote(name, safe=""), route)

        assert caller.get(path).status_code < 500
