"""What members of the demo shop did with rewards in the last days: redemptions in every state, goes at the draw, wishes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from config.demo.people import Guest
from config.demo.shop import BY_SKU
from config.demo.treats import DRAW, PROJECT
from loyalty import donations, ordering, queries
from loyalty.donations import DonationRequest
from loyalty.order_facts import OrderFacts
from members.models import Member
from rewards import (
    drafts,
    draw_queries,
    draw_rounds,
    draws,
    fulfilment,
    redemption,
    voucher_gifts,
    vouchers,
    wishes,
)
from rewards.draws import PlayRequest
from rewards.fulfilment import Parcel
from rewards.models import Redemption
from rewards.redemption import RedemptionRequest
from rewards.voucher_gifts import GiftRequest

STORE = "SH-JAS"
FEW, ACTIVE = 12, "active"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ADDRESS = {
    "name": "王女士",
    "phone": "+8613816160001",
    "region": "上海市静安区",
    "address": "愚园路 172 号 1204 室",
    "postcode": "200040",
}


def live(*, lin: Member, guests: Sequence[Guest], at: datetime) -> None:
    """What the members with most points did, told in the order of time."""
    rich = _richest(guests, at)
    _draw(rich, at)
    _ship(rich, at)
    _take(rich, at)
    _pay(rich[8:10], at)
    for place, member in enumerate(rich[:6]):
        _redeem(member, "cream-cake", at - HOUR * (20 - 3 * place), offer="cake-flash")
    request = DonationRequest(
        member=rich[1].number, points=1_000, project=str(PROJECT["code"]), reference="demo-project"
    )
    donations.donate(request=request, at=at - 4 * HOUR)
    _wish(lin, [guest.member for guest in guests[50:56]], at)


def _richest(guests: Sequence[Guest], at: datetime) -> list[Member]:
    members = [guest.member for guest in guests if guest.member.status == ACTIVE]
    figures = queries.figures_of(members=members, at=at)
    found = sorted(members, key=lambda member: -figures[member.pk].active)
    return found[:FEW]


def _redeem(member: Member, reward: str, at: datetime, **said: Any) -> Redemption:
    return redemption.redeem(request=_request(member, reward, at, **said), at=at).redemption


def _request(member: Member, reward: str, at: datetime, **said: Any) -> RedemptionRequest:
    reference = f"demo-{at:%m%d%H%M}-{reward}"
    return RedemptionRequest(member=member.number, reward=reward, reference=reference, **said)


def _ship(rich: Sequence[Member], at: datetime) -> None:
    """A cup on its way, two to be sent, one to be collected."""
    sent = _redeem(
        rich[0],
        "winter-cup",
        at - 3 * DAY,
        variant="pine",
        delivery="shipping",
        address=ADDRESS,
    )
    parcel = Parcel(carrier="顺丰速运", tracking="SF1350240671128")
    fulfilment.fulfil(number=sent.number, parcel=parcel, by="manager", at=at - 2 * DAY)
    for place, variant in enumerate(("pine", "snow"), 1):
        moment = at - 5 * HOUR * place
        said = {"variant": variant, "delivery": "shipping", "address": ADDRESS}
        _redeem(rich[place], "winter-cup", moment, **said)
    _redeem(rich[3], "winter-cup", at - 9 * HOUR, variant="snow", delivery="pick_up")


def _take(rich: Sequence[Member], at: datetime) -> None:
    """Seats, codes, beans that somebody thought better of, a gift, and tickets that wait to be paid for."""
    _redeem(rich[4], "cupping", at - 2 * DAY, variant="session-1")
    for place in (5, 6):
        _redeem(rich[place], "video-month", at - place * HOUR)
    beans = _redeem(rich[2], "beans", at - DAY)
    redemption.cancel_own(number=beans.number, at=at - 20 * HOUR)
    cups = _redeem(rich[7], "cup-upgrade", at - 7 * HOUR)
    gift = GiftRequest(
        code=cups.vouchers.get().code, to=rich[8].number, reference="demo", message="下午茶我请"
    )
    voucher_gifts.give(request=gift, by="", at=at - 6 * HOUR)
    drafts.reserve(request=_request(rich[4], "movie", at - 2 * HOUR), at=at - 2 * HOUR)
    _redeem(rich[6], "brewing-course", at - 2 * DAY)


def _pay(members: Sequence[Member], at: datetime) -> None:
    """Money off: one used at the till, the other with an order that names it."""
    first, second = members
    used = _redeem(first, "ten-yuan", at - DAY)
    moment = at - DAY + HOUR
    code = used.vouchers.get().code
    vouchers.use(code=code, store=STORE, reference="", used_by="clerk", at=moment)
    made = _redeem(second, "ten-yuan", at - 8 * HOUR)
    order = OrderFacts(
        number=f"{at:%y%m%d}-coupon",
        source="mini",
        member=second.number,
        store=STORE,
        channel="mini_program",
        placed_at=at - 7 * HOUR,
        coupon=made.vouchers.get().code,
        lines=(BY_SKU["GIFT-BOX"].line(),),
    )
    ordering.place(order=order, at=at - 7 * HOUR)


def _draw(rich: Sequence[Member], at: datetime) -> None:
    """A round that anyone can check by now, and one that is open."""
    for place, member in enumerate(rich):
        _go(member, f"first-{place}", at - 3 * DAY + place * HOUR / 6)
    draw_rounds.close_by_hand(draw=draw_queries.draw(DRAW), at=at - 2 * DAY)
    _redeem(rich[0], "lucky-ticket", at - DAY, quantity=3)
    for place, member in enumerate((*rich[:6], *rich[:3])):
        _go(member, f"second-{place}", at - 20 * HOUR + place * HOUR)


def _go(member: Member, reference: str, at: datetime) -> None:
    request = PlayRequest(member=member.number, draw=DRAW, reference=f"demo-{reference}")
    draws.play(request=request, at=at)


def _wish(lin: Member, members: Sequence[Member], at: datetime) -> None:
    for code in ("pour-over", "winter-cup"):
        wishes.add(member=lin, reward=code, at=at - 2 * DAY)
    for member in members:
        wishes.add(member=member, reward="brewing-class", at=at - DAY)
