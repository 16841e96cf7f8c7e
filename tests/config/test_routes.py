"""Who may open what: every address of the portal for every role. An address missing here fails the build.

The API has its own walk (`test_api_routes.py`), the console too (`test_console.py`).
"""

from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from loyalty import donations, queries
from members.models import Member, User
from rewards import catalogue, projects, redemption
from rewards.models import RewardPicture
from tests.campaigns.builders import campaign
from tests.conftest import NOON
from tests.portal import sign_in
from tests.rewards.draws import go, new_draw

AWAY = 302  # to sign-in, or to the page that is meant
ELSEWHERE = ("api/", "console/")

# What a GET answers to a visitor, to the member herself, to another member, to staff without a membership.
PUBLIC = (200, 200, 200, 200)
OF_MEMBERS = (AWAY, 200, 200, AWAY)
OF_ONE_MEMBER = (AWAY, 200, 404, AWAY)
POST_ONLY = (405, 405, 405, 405)
TABLE: dict[str, tuple[int, int, int, int]] = {
    "": PUBLIC,
    "healthz": PUBLIC,
    "i18n/setlang/": (AWAY, AWAY, AWAY, AWAY),
    "accounts/login": (200, AWAY, AWAY, AWAY),
    "accounts/login/code": (AWAY, AWAY, AWAY, AWAY),
    "accounts/logout": (AWAY, 200, 200, 200),
    "join": (AWAY, AWAY, AWAY, AWAY),
    "me": OF_MEMBERS,
    "me/code": OF_MEMBERS,
    "me/display": POST_ONLY,
    "messages": OF_MEMBERS,
    "messages/read": POST_ONLY,
    "messages/<int:message_id>/open": POST_ONLY,
    "points": OF_MEMBERS,
    "points/<int:entry_id>": OF_ONE_MEMBER,
    "points/give": (AWAY, 404, 404, AWAY),  # switched off to begin with
    "tier": OF_MEMBERS,
    "rewards": OF_MEMBERS,
    "rewards/<slug:code>": OF_MEMBERS,
    "rewards/<slug:code>/redeem": OF_MEMBERS,
    "rewards/<slug:code>/wish": POST_ONLY,
    "rewards/<slug:code>/unwish": POST_ONLY,
    "wishes": OF_MEMBERS,
    "projects": PUBLIC,
    "projects/<slug:project>": PUBLIC,
    "projects/<slug:project>/donate": OF_MEMBERS,
    "donations/<int:donation_id>": OF_ONE_MEMBER,
    "rewards/<slug:code>/picture/<slug:digest>": PUBLIC,
    "draws": OF_MEMBERS,
    "draws/<slug:draw_code>": OF_MEMBERS,
    "draws/goes/<int:play_id>": OF_ONE_MEMBER,
    "draw-rounds/<slug:round_code>": PUBLIC,
    "draw-rounds/<slug:round_code>/data": PUBLIC,
    "vouchers": OF_MEMBERS,
    "vouchers/<str:code>": OF_ONE_MEMBER,
    "vouchers/<str:code>/show": OF_ONE_MEMBER,
    "vouchers/<str:code>/state": OF_ONE_MEMBER,
    "vouchers/<str:code>/give": OF_ONE_MEMBER,
    "redemptions": OF_MEMBERS,
    "redemptions/<str:number>": OF_ONE_MEMBER,
    "redemptions/<str:number>/done": OF_ONE_MEMBER,
    "redemptions/<str:number>/cancel": OF_ONE_MEMBER,
    "check-in": OF_MEMBERS,
    "check-in/make-up": POST_ONLY,
    "tasks": OF_MEMBERS,
    "campaigns": OF_MEMBERS,
    "campaigns/<slug:campaign>": OF_MEMBERS,
    "friends": OF_MEMBERS,
    "invite/<str:referral>": (200, AWAY, AWAY, 200),
}


def _addresses(patterns: Any, prefix: str = "") -> list[str]:
    found: list[str] = []
    for each in patterns:
        address = prefix + str(each.pattern)
        if address.startswith(ELSEWHERE):
            continue
        if isinstance(each, URLResolver):
            found += _addresses(each.url_patterns, address)
        elif isinstance(each, URLPattern):
            found.append(address)
    return found


@pytest.fixture
def roles(ada: Member, mallory: Member, owner: User) -> list[Client]:
    staff = Client()
    staff.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    return [Client(), sign_in(Client(), ada), sign_in(Client(), mallory), staff]


@pytest.fixture
def names(ada: Member) -> dict[str, str]:
    """Ada's own things, to be put into the addresses."""
    mug = catalogue.create(
        changes={"code": "mug", "name": "Mug", "kind": "gift", "points": 100}, at=NOON
    )
    RewardPicture.objects.create(reward=mug, body=b"-", width=1, height=1, digest="picture")
    asked = redemption.RedemptionRequest(member=ada.number, reward="mug", reference="r")
    redeemed = redemption.redeem(request=asked, at=NOON).redemption
    projects.create(changes={"code": "forest", "name": "Forest"})
    given = donations.DonationRequest(member=ada.number, points=1, project="forest", reference="d")
    donation = donations.donate(request=given, at=NOON).donation
    played = go(ada, new_draw(), "go")
    return {
        "<slug:draw_code>": "autumn",
        "<slug:round_code>": "autumn-1",
        "<int:play_id>": str(played.pk),
        "<slug:project>": "forest",
        "<int:donation_id>": str(donation.pk),
        "<int:message_id>": "1",
        "<int:entry_id>": str(queries.entries_of(member=ada)[0].pk),
        "<slug:code>": "mug",
        "<slug:digest>": "picture",
        "<str:code>": redeemed.vouchers.get().code,
        "<str:number>": redeemed.number,
        "<slug:campaign>": campaign("double-day").code,
        "<str:referral>": ada.referral_code,
    }


def test_every_address_is_in_the_table():
    assert set(_addresses(get_resolver().url_patterns)) == set(TABLE)


@pytest.mark.parametrize("address", TABLE)
def test_answers_each_role_as_the_table_says(
    address: str, roles: list[Client], names: dict[str, str]
):
    path = "/" + address
    for placeholder, value in names.items():
        path = path.replace(placeholder, value)

    assert tuple(client.get(path).status_code for client in roles) == TABLE[address]
