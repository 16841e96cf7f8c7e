"""What else the demo shop has on its shelves by now: rewards of every kind, an offer, a draw, a donation project."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rewards import (
    catalogue,
    draw_editing,
    draw_queries,
    offers,
    pools,
    projects,
    queries,
    variants,
)

PROJECT: Mapping[str, object] = {
    "code": "alxa-saxaul",
    "name": "阿拉善梭梭林",
    "summary": "每 500 积分种下一棵梭梭树",
    "story": "梭梭树在沙漠里固住沙丘，一棵能守住十平方米。\n春季统一种植，秋天公布成活数量。",
    "art": "tree",
    "goal_points": 200_000,
}
DRAW = "warm-draw"
SHOW = "全部门店可用"
TREATS: tuple[Mapping[str, object], ...] = (
    {
        "code": "ten-yuan",
        "name": "10 元抵用金",
        "kind": "cash",
        "art": "movie",
        "points": 900,
        "category": "权益",
        "summary": "任意订单可抵",
        "terms": f"{SHOW}\n每单限用一张",
        "cost": "10.00",
        "discount_amount": "10.00",
    },
    {
        "code": "free-delivery",
        "name": "外送免配送费",
        "kind": "shipping",
        "art": "tote",
        "points": 350,
        "category": "权益",
        "summary": "3 公里内",
        "terms": f"{SHOW}\n仅限小程序外送订单",
        "cost": "5.00",
        "partner": "同城配送",
        "partner_share": "0.4",
    },
    {
        "code": "brewing-course",
        "name": "手冲入门图文课",
        "kind": "content",
        "art": "coffee",
        "points": 600,
        "category": "课程",
        "summary": "六节，随时可看",
        "terms": "仅供本人观看",
        "content": "第一节　水温：92 ℃ 起，深烘再低两度。\n第二节　研磨：比细砂糖略粗。\n第三节　粉水比：1 : 15。\n第四节　闷蒸：30 秒。\n第五节　注水：由内向外，匀速。\n第六节　总时间：2 分 15 秒到 2 分 45 秒。",
        "valid_days": None,
    },
    {
        "code": "seat-by-window",
        "name": "靠窗位预留",
        "kind": "privilege",
        "art": "coffee",
        "points": 260,
        "category": "权益",
        "summary": "工作日两小时",
        "terms": "工作日 14:00 前预约",
        "weekdays": [1, 2, 3, 4, 5],
        "early_tiers": ["gold", "diamond"],
    },
    {
        "code": "video-month",
        "name": "视频会员月卡",
        "kind": "partner_code",
        "art": "movie",
        "points": 1_900,
        "category": "权益",
        "summary": "兑换码在视频 App 内激活",
        "terms": "兑换后复制兑换码，到视频 App 内激活\n兑换码不退不换",
        "cost": "15.00",
        "partner": "山海视频",
        "partner_share": "0.5",
        "is_giftable": False,
    },
    {
        "code": "lucky-ticket",
        "name": "抽奖机会一次",
        "kind": "draw_ticket",
        "art": "movie",
        "points": 20,
        "category": "抽奖",
        "summary": "存着以后再抽",
        "terms": "奖品、概率和余量见抽奖页",
        "draw": DRAW,
    },
    {
        "code": "winter-cup",
        "name": "冬至随行杯",
        "kind": "gift",
        "art": "cup",
        "points": 3_600,
        "category": "周边好物",
        "summary": "两色可选，寄到家或到店取",
        "terms": "寄送：下单后三日内发出，包邮",
        "cost": "42.00",
        "stock": 80,
        "delivery": "either",
    },
    {
        "code": "cupping",
        "name": "冬季新豆品鉴会",
        "kind": "experience",
        "art": "coffee",
        "points": 1_500,
        "category": "课程",
        "summary": "一小时，六支新豆",
        "terms": "提前十分钟到店入场",
        "cost": "35.00",
        "valid_days": 60,
    },
    {
        "code": "beans",
        "name": "禾间拼配豆 250 g",
        "kind": "gift",
        "art": "tote",
        "points": 4_200,
        "category": "咖啡豆",
        "summary": "价格随库存和季节浮动",
        "terms": "全部门店可取",
        "cost": "38.00",
        "stock": 60,
        "delivery": "pick_up",
        "pricing": {
            "floor": "0.5",
            "ceiling": "2",
            "step": 10,
            "rules": [
                {"type": "stock", "at_most": "0.1", "factor": "1.5"},
                {"type": "season", "from": "06-01", "to": "08-31", "factor": "0.8"},
                {"type": "demand", "above": "2", "factor": "1.2"},
            ],
        },
    },
)
#: What the older rewards cost, and who bears a part of it.
COSTS: Mapping[str, Mapping[str, object]] = {
    "cup-upgrade": {"cost": "2.00"},
    "saxaul": {"cost": "5.00"},
    "cream-cake": {"cost": "9.50"},
    "season-mug": {"cost": "21.00"},
    "tote": {"cost": "16.00"},
    "umbrella": {"cost": "24.00"},
    "movie": {"cost": "32.00", "partner": "光影影城", "partner_share": "0.5"},
    "pour-over": {"cost": "11.00"},
    "brewing-class": {"cost": "98.00"},
}
CODES = 24


def stock_up(*, at: datetime) -> None:
    """Put everything on the shelves, a fortnight ago; the offer began yesterday."""
    then = at - timedelta(days=14)
    draw_editing.create(changes={"code": DRAW, "name": "暖冬抽奖", "active": False}, at=then)
    for each in TREATS:
        catalogue.create(changes=_early(each, at), by="manager", at=then)
    pools.add(reward="video-month", file=_codes(), by="manager", at=then)
    cup, cupping = queries.reward("winter-cup"), queries.reward("cupping")
    for place, (code, name) in enumerate((("pine", "松绿"), ("snow", "雪白"))):
        said = {"code": code, "name": name, "stock": 40, "position": place}
        variants.create(reward=cup, changes=said, by="manager", at=then)
    for place, days in enumerate((9, 23)):
        begins_at = (at + timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        said = {
            "code": f"session-{place + 1}",
            "name": f"第{'一二'[place]}场",
            "begins_at": begins_at,
            "ends_at": begins_at + timedelta(hours=1),
            "stock": 12,
            "place": "静安寺店二楼",
            "position": place,
        }
        variants.create(reward=cupping, changes=said, by="manager", at=then)
    offers.create(changes=_flash(at), by="manager", at=then)
    draw_editing.change(draw=draw_queries.draw(DRAW), changes=_prizes(), at=then)


def begin_project(*, at: datetime) -> None:
    """The donation project that the tree belongs to."""
    projects.create(changes={**PROJECT, "starts_at": at})


def _early(each: Mapping[str, object], at: datetime) -> Mapping[str, object]:
    """Some tiers have it today, the others in two days."""
    if "early_tiers" not in each:
        return each
    return {
        **each,
        "early_from": at - timedelta(days=1),
        "starts_at": at + timedelta(days=2),
    }


def _codes() -> bytes:
    return "\n".join(
        f"SHSP-{place * 7919 % 9973:04}-{place:03}" for place in range(CODES)
    ).encode()


def _flash(at: datetime) -> dict[str, Any]:
    return {
        "code": "cake-flash",
        "name": "周末下午茶",
        "kind": "flash",
        "reward": "cream-cake",
        "points": 800,
        "stock": 40,
        "per_member": 1,
        "starts_at": at - timedelta(days=1),
        "ends_at": at + timedelta(days=3),
    }


def _prizes() -> dict[str, Any]:
    return {
        "active": True,
        "points": 20,
        "per_member": 5,
        "per_member_period": "day",
        "terms": "每次 20 积分或一张抽奖券，每人每天最多 5 次\n概率和余量都公示，一轮结束后公布种子，任何人都能复算\n复算名单显示会员号，不显示姓名和手机号",
        "prizes": [
            {"name": "禾间拼配豆 250 g", "kind": "reward", "reward": "beans", "weight": 1, "stock": 3},
            {"name": "饮品免费升杯", "kind": "reward", "reward": "cup-upgrade", "weight": 19, "stock": 200},
            {"name": "50 积分", "kind": "points", "points": 50, "weight": 20, "stock": 300},
            {"name": "谢谢参与", "kind": "nothing", "weight": 60},
        ],
    }  # fmt: skip
