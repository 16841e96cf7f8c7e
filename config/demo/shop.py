"""What the demo shop is made of: stores, goods and rewards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from config.demo import treats
from loyalty import programs
from loyalty.ordering import Line
from members import queries as member_queries
from members import stores, tiering
from rewards import catalogue, queries

PROGRAM = "禾间会员"
TRANSFER = {"enabled": True, "min": 50, "per_transfer": 2_000, "per_day": 5_000, "fee": 0}
# To keep a tier takes less than to reach it.
TIERS: Mapping[str, Mapping[str, object]] = {
    "silver": {"retain_threshold": 3_000, "downgrade": "one_down", "grace_days": 30},
    "gold": {"retain_threshold": 10_000, "downgrade": "one_down", "grace_days": 30},
    "diamond": {"retain_threshold": 30_000, "downgrade": "one_down", "grace_days": 30},
}
STORES = (
    ("SH-JAS", "静安寺店"),
    ("SH-XJH", "徐家汇店"),
    ("SH-LJZ", "陆家嘴店"),
    ("SH-WJC", "五角场店"),
    ("SH-XTD", "新天地店"),
    ("SH-RMG", "人民广场店"),
    ("SH-HQ", "虹桥天地店"),
    ("SH-ZJ", "张江店"),
)


@dataclass(frozen=True, slots=True)
class Good:
    """Something the shop sells."""

    sku: str
    name: str
    category: str
    price: int
    tags: tuple[str, ...] = ()

    def line(self, quantity: int = 1) -> Line:
        """So many of it as the line of an order."""
        return Line(
            sku=self.sku,
            name=self.name,
            category=self.category,
            brand="禾间",
            tags=self.tags,
            quantity=quantity,
            amount=Decimal(self.price * quantity),
        )


COFFEE = (
    Good("AMERICANO", "美式", "咖啡", 22),
    Good("LATTE", "拿铁", "咖啡", 28),
    Good("OAT-LATTE", "燕麦拿铁", "咖啡", 32),
    Good("COLD-BREW", "冷萃", "咖啡", 30),
    Good("POUR-OVER", "手冲 · 云南保山", "咖啡", 36),
    Good("OSMANTHUS", "桂花拿铁", "咖啡", 34, ("new",)),
    Good("MATCHA", "抹茶拿铁", "茶饮", 30),
    Good("OOLONG", "冷泡乌龙", "茶饮", 26),
)
BAKERY = (
    Good("CROISSANT", "海盐可颂", "烘焙", 18),
    Good("CREAM-CAKE", "奶油小蛋糕", "烘焙", 32),
    Good("BASQUE", "巴斯克芝士", "烘焙", 36),
    Good("BAGEL", "全麦贝果", "烘焙", 20),
)
GOODS = (
    Good("BEANS", "禾间拼配咖啡豆 250 g", "咖啡豆", 88),
    Good("DRIP-BAGS", "挂耳咖啡 10 包", "咖啡豆", 68),
    Good("MUG", "年轮马克杯", "周边", 79),
    Good("TUMBLER", "随行杯 480 ml", "周边", 128),
    Good("GIFT-BOX", "节令礼盒", "礼盒", 298, ("new",)),
    Good("GRINDER", "手摇磨豆机", "器具", 398),
)
BY_SKU = {good.sku: good for good in (*COFFEE, *BAKERY, *GOODS)}

PICK_UP = "全部门店可用"
REWARDS: tuple[Mapping[str, object], ...] = (
    {
        "code": "cup-upgrade",
        "name": "饮品免费升杯",
        "kind": "coupon",
        "art": "cup",
        "points": 300,
        "category": "咖啡饮品",
        "summary": "任意中杯可用",
        "terms": f"{PICK_UP}\n每杯限用一张",
    },
    {
        "code": "saxaul",
        "name": "种一棵梭梭树",
        "kind": "donation",
        "art": "tree",
        "points": 500,
        "category": "公益",
        "summary": "在阿拉善种下一棵",
        "terms": "积分捐给阿拉善梭梭林\n每年春季统一种植，秋天公布成活数量",
        "project": "alxa-saxaul",
    },
    {
        "code": "cream-cake",
        "name": "奶油小蛋糕",
        "kind": "coupon",
        "art": "cake",
        "points": 1_200,
        "category": "咖啡饮品",
        "summary": "全部门店自取",
        "terms": f"{PICK_UP}\n含奶、蛋、小麦，过敏请告知店员",
    },
    {
        "code": "season-mug",
        "name": "秋分限定杯",
        "kind": "gift",
        "art": "cup",
        "points": 1_600,
        "category": "周边好物",
        "summary": "节气系列，不再补货",
        "terms": PICK_UP,
        "stock": 0,
    },
    {
        "code": "tote",
        "name": "年轮棉布手提袋",
        "kind": "gift",
        "art": "tote",
        "points": 1_800,
        "category": "周边好物",
        "summary": "12 安棉布，36 × 38 cm",
        "terms": PICK_UP,
        "stock": 120,
        "per_member": 1,
    },
    {
        "code": "umbrella",
        "name": "晴雨两用伞",
        "kind": "gift",
        "art": "umbrella",
        "points": 2_400,
        "category": "周边好物",
        "summary": "银卡以上",
        "terms": PICK_UP,
        "stock": 200,
        "tiers": ["silver", "gold", "diamond"],
    },
    {
        "code": "movie",
        "name": "电影票 1 张",
        "kind": "coupon",
        "art": "movie",
        "points": 2_500,
        "cash": Decimal("9.90"),
        "draft_minutes": 1_440,
        "category": "权益",
        "summary": "2D / 3D 通用",
        "terms": f"{PICK_UP}\n在店里付清 ¥9.90 后换取影院兑换码",
    },
    {
        "code": "pour-over",
        "name": "手冲咖啡",
        "kind": "coupon",
        "art": "coffee",
        "points": 2_880,
        "category": "咖啡饮品",
        "summary": "当季单品豆，现磨现冲",
        "terms": PICK_UP,
    },
    {
        "code": "brewing-class",
        "name": "手冲咖啡课（双人）",
        "kind": "experience",
        "art": "coffee",
        "points": 9_800,
        "category": "权益",
        "summary": "90 分钟，含两包咖啡豆",
        "terms": "兑换后 90 天内预约，周末需提前三天\n开课前一天仍可改期一次",
        "valid_days": 90,
        "stock": 60,
    },
)


def open_shop(at: datetime) -> None:
    """Name the program, open the stores, fill the catalogue."""
    programs.change(changes={"name": PROGRAM, "approval_threshold": 500, "transfer": TRANSFER})
    for code, changes in TIERS.items():
        tiering.change(tier=member_queries.tier(code), changes=changes)
    for code, name in STORES:
        stores.create(changes={"code": code, "name": name})
    treats.begin_project(at=at)
    for reward in REWARDS:
        said = {**reward, **treats.COSTS[str(reward["code"])]}
        catalogue.create(changes=said, at=at)


def count_stock(at: datetime) -> None:
    """What is left at the end of the year: few of some."""
    for code, left in (("tote", 3), ("umbrella", 26), ("brewing-class", 8)):
        catalogue.change(reward=queries.reward(code), changes={"stock": left}, at=at)
