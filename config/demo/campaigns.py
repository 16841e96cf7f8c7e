"""The demo shop's campaigns, and what 林知夏 did for points beside buying: signing in, a review, friends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from campaigns import acts, checkins, editing
from campaigns.acts import ActFacts
from config.demo.shop import BY_SKU
from loyalty import donations, ordering, refunds
from loyalty.donations import DonationRequest
from loyalty.ordering import OrderFacts
from loyalty.refunds import RefundFacts
from members import enrolment
from members.enrolment import Newcomer
from members.models import Member

Event = Callable[[datetime], None]
Said = Mapping[str, object]

SINCE = 60
# Days ago on which she signed in; the run of seven has a day that she made up afterwards.
SIGNED = (28, 27, 26, 25, 24, 23, 20, 19, 18, 17, 16, 12, 11, 10, 9, 7, 6, 4, 3, 2, 1)
MADE_UP, MADE_UP_ON = 8, 7
DONATED = 600

REGULAR: Sequence[Said] = (
    {
        "code": "sign-in",
        "name": "每日签到",
        "trigger": "check_in",
        "effect": {"type": "bonus", "points": 10},
    },
    {
        "code": "sign-in-week",
        "name": "连续签到 7 天",
        "trigger": "check_in",
        "conditions": {"event_data": {"streak": {"every": 7}}},
        "effect": {"type": "bonus", "points": 50},
    },
    {
        "code": "friends",
        "name": "推荐有礼",
        "description": "好友首单满 50 元，你得 200 积分",
        "trigger": "referral.converted",
        "conditions": {"min_amount": "50.00"},
        "effect": {"type": "bonus", "points": 200, "to": "referrer", "pending_days": 7},
        "limits": {"per_member_per_month": 2_000},
    },
    {
        "code": "friends-welcome",
        "name": "好友见面礼",
        "description": "受邀好友首单满 50 元，好友得 100 积分",
        "trigger": "referral.converted",
        "conditions": {"min_amount": "50.00"},
        "effect": {"type": "bonus", "points": 100, "to": "referee", "pending_days": 7},
    },
    {
        "code": "review",
        "name": "写一条评价",
        "description": "说说今天这一杯，每天一条有积分",
        "trigger": "review",
        "effect": {"type": "bonus", "points": 30},
        "limits": {"per_member_per_day": 30},
    },
    {
        "code": "birthday",
        "name": "生日礼",
        "description": "生日当天，积分自动到账",
        "trigger": "birthday",
        "effect": {"type": "bonus", "points": 100},
    },
)


def open_campaigns(*, at: datetime, zone: ZoneInfo) -> None:
    """What has been running for two months, what began lately, what is coming."""
    begun = _midnight(at, -SINCE, zone)
    for said in REGULAR:
        _make({**said, "starts_at": begun}, begun)
    for said in _recent(at, zone):
        _make(said, at)


def _recent(at: datetime, zone: ZoneInfo) -> Sequence[Said]:
    saturday = (5 - at.astimezone(zone).weekday()) % 7 or 7
    return (
        {
            "code": "spend-50",
            "name": "满 50 送 100",
            "description": "单笔满 50 元，多得 100 积分，每天一次",
            "conditions": {"min_amount": "50.00"},
            "effect": {"type": "bonus", "points": 100},
            "limits": {"per_member_per_day": 100},
            "starts_at": _midnight(at, -3, zone),
            "ends_at": _midnight(at, 4, zone),
        },
        {
            "code": "tea-afternoons",
            "name": "午后茶歇",
            "description": "工作日 14 点到 18 点，茶饮积分 1.5 倍",
            "conditions": {
                "weekdays": [1, 2, 3, 4, 5],
                "hours": ["14:00-18:00"],
                "categories": ["茶饮"],
            },
            "effect": {"type": "multiplier", "value": "1.5", "scope": "matching_lines"},
            "starts_at": _midnight(at, 0, zone),
            "ends_at": _midnight(at, 21, zone),
        },
        {
            "code": "gold-weekends",
            "name": "金卡周末",
            "description": "金卡、钻石会员周末消费，积分再乘 1.2",
            "conditions": {"weekdays": [6, 7], "tiers": ["gold", "diamond"]},
            "effect": {"type": "multiplier", "value": "1.2"},
            "starts_at": _midnight(at, 0, zone),
        },
        {
            "code": "double-day",
            "name": "双倍积分日",
            "description": "全天全部门店，消费 ¥1 得 2 积分，与等级倍数同享",
            "effect": {"type": "multiplier", "value": "2"},
            "starts_at": _midnight(at, saturday, zone),
            "ends_at": _midnight(at, saturday + 1, zone),
        },
        {
            "code": "ten-visits",
            "name": "本月到店 10 次",
            "description": "一个自然月内到店 10 次，得 200 积分",
            "conditions": {"period_count": {"period": "month", "orders": 10}},
            "effect": {"type": "bonus", "points": 200},
            "starts_at": _midnight(at, 0, zone),
        },
        {
            "code": "three-shares",
            "name": "本周分享 3 次",
            "description": "把喜欢的一杯分享给朋友，一周三次",
            "trigger": "share",
            "conditions": {"period_count": {"period": "week", "events": 3}},
            "effect": {"type": "bonus", "points": 60},
            "starts_at": _midnight(at, -7, zone),
        },
        {
            "code": "taste-survey",
            "name": "填写口味问卷",
            "description": "两分钟，帮我们挑下一支豆子",
            "trigger": "survey",
            "effect": {"type": "bonus", "points": 50},
            "limits": {"per_member": 50},
            "starts_at": _midnight(at, 0, zone),
            "ends_at": _midnight(at, 14, zone),
        },
    )


def _make(said: Said, at: datetime) -> None:
    editing.create(changes={**said, "state": "active"}, by="owner", at=at)


def _midnight(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(at.astimezone(zone).date() + timedelta(days=days), time.min, zone)


# ---- what 林知夏 did -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Friend:
    """Somebody she brought: joined so many days ago, ordered so many days ago (if ever), gave it back the day after."""

    phone: str
    name: str
    joined: int
    ordered: int | None = None
    goods: str = "POUR-OVER CREAM-CAKE"
    is_refunded: bool = False


FRIENDS = (
    Friend("+8613816170011", "周念慈", joined=40, ordered=33),
    Friend("+8613816170012", "吴若溪", joined=20, ordered=15, is_refunded=True),
    Friend("+8613816170013", "许听澜", joined=5, ordered=2),
    Friend("+8613816170014", "何青禾", joined=1),
)


def acts_of(*, lin: Member, at: datetime, zone: ZoneInfo) -> list[tuple[int, Event]]:
    """Days ago, and what she did (or her friends did) at noon."""
    missed = at.astimezone(zone).date() - timedelta(days=MADE_UP)
    found: list[tuple[int, Event]] = [(MADE_UP_ON, _make_up(lin, missed))]
    found += [(days, _sign_in(lin)) for days in SIGNED]
    found += [(3, _report(lin, "review")), (13, _donate(lin))]
    for friend in FRIENDS:
        found += _steps(friend, lin, at)
    return found


def share(*, lin: Member, at: datetime) -> None:
    """She has just shared two things: one more and the week's challenge is done."""
    for place in (1, 2):
        facts = ActFacts(member=lin.number, type="share", reference=f"demo-share-{place}")
        acts.record(act=facts, now=at)


def _sign_in(lin: Member) -> Event:
    return lambda moment: _ignored(checkins.sign_in(member=lin.number, at=moment, now=moment))


def _make_up(lin: Member, day: date) -> Event:
    return lambda moment: _ignored(checkins.make_up(member=lin.number, day=day, now=moment))


def _report(lin: Member, type: str) -> Event:
    def event(moment: datetime) -> None:
        reference = f"demo-{moment:%Y%m%d}-{type}"
        facts = ActFacts(member=lin.number, type=type, reference=reference, at=moment)
        acts.record(act=facts, now=moment)

    return event


def _donate(lin: Member) -> Event:
    def event(moment: datetime) -> None:
        request = DonationRequest(
            member=lin.number, points=DONATED, project="梭梭树", reference="demo"
        )
        donations.donate(request=request, at=moment)

    return event


def _steps(friend: Friend, lin: Member, at: datetime) -> list[tuple[int, Event]]:
    member = enrolment.enrol(
        newcomer=Newcomer(
            phone=friend.phone,
            name=friend.name,
            referral_code=lin.referral_code,
            channel="mini_program",
            enrolled_at=at - timedelta(days=friend.joined, hours=3),
        ),
        at=at,
    )
    if friend.ordered is None:
        return []
    found = [(friend.ordered, _order(member, friend))]
    return found + ([(friend.ordered - 1, _refund(friend))] if friend.is_refunded else [])


def _order(member: Member, friend: Friend) -> Event:
    def event(moment: datetime) -> None:
        skus = friend.goods.split()
        facts = OrderFacts(
            number=f"F-{friend.phone[-4:]}",
            source="pos",
            member=member.number,
            store="SH-JAS",
            channel="store",
            placed_at=moment,
            lines=tuple(BY_SKU[sku].line(skus.count(sku)) for sku in dict.fromkeys(skus)),
        )
        placed = ordering.place(order=facts, at=moment)
        if placed.problem is not None:
            raise placed.problem

    return event


def _refund(friend: Friend) -> Event:
    amount = sum(BY_SKU[sku].price for sku in friend.goods.split())

    def event(moment: datetime) -> None:
        refunds.refund(
            source="pos",
            number=f"F-{friend.phone[-4:]}",
            facts=RefundFacts(reference="1", at=moment, amount=Decimal(amount)),
            now=moment,
        )

    return event


def _ignored(_answer: object) -> None:
    """An event answers nothing."""
