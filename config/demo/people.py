"""Who comes to the demo shop, and how often."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from config.demo.shop import STORES
from members import enrolment
from members.enrolment import Newcomer
from members.models import Member

MEMBERS = 300
LIN_PHONE = "+8613816168026"
LIN_ID = "HJ-0001"
PHONES = "+861381616"
CHANNELS = ("store", "store", "store", "mini_program", "mini_program", "website")

SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁沈姚卢姜崔钟谭陆汪范金石"
GIVEN_NAMES = (
    "予安书瑶子墨思远雨桐嘉禾清和景行若溪明轩语晨一诺安然佳怡俊杰晓雯志远文博梓萱欣妍天佑雅琴建国秀兰海燕志强丽华晨曦可欣浩然"
    "诗涵宇轩静怡国栋晓峰婉清泽宇梦洁立言知行云舒望舒听澜疏影南乔北辰念慈怀瑾若兰锦书星野初晴向晚青禾木子亦凡子衿采薇鹿鸣白露"
)


@dataclass(frozen=True, slots=True)
class Habit:
    """How often people of a kind come in a year and what they buy."""

    people: int
    visits: tuple[int, int]
    basket: str


HABITS = (
    Habit(people=2, visits=(70, 80), basket="company"),
    Habit(people=6, visits=(60, 80), basket="office"),
    Habit(people=14, visits=(95, 125), basket="fan"),
    Habit(people=40, visits=(35, 70), basket="cup"),
    Habit(people=MEMBERS - 62, visits=(2, 17), basket="cup"),
)


@dataclass(frozen=True, slots=True)
class Guest:
    """A member with a habit and a favourite store."""

    member: Member
    habit: Habit
    store: str


def enrol_lin(*, at: datetime) -> Member:
    """The demo member 林知夏."""
    return enrolment.enrol(
        newcomer=Newcomer(
            phone=LIN_PHONE,
            name="林知夏",
            email="zhixia@example.com",
            birthday=date(1996, (at - timedelta(days=6)).month, 1),
            external_id=LIN_ID,
            store="SH-JAS",
            channel="store",
            enrolled_at=at - timedelta(days=441),
            consents={"marketing_sms": True},
        ),
        at=at,
    )


def enrol_guests(*, rng: Random, at: datetime) -> list[Guest]:
    """Everybody else; most came within the last two years."""
    habits = [habit for habit in HABITS for _person in range(habit.people)]
    given = [GIVEN_NAMES[place : place + 2] for place in range(0, len(GIVEN_NAMES), 2)]
    names = rng.sample([surname + name for surname in SURNAMES for name in given], len(habits))
    phones = rng.sample(
        [f"{PHONES}{last:04}" for last in range(10_000) if last != 8026], len(habits)
    )
    homes = [rng.choice(STORES)[0] for _habit in habits]
    newcomers = [
        Newcomer(
            phone=phone,
            name=name,
            birthday=_birthday(rng),
            external_id=f"HJ-{place + 2:04}",
            store=home,
            channel=rng.choice(CHANNELS),
            enrolled_at=_enrolled_at(rng, habit, at),
            consents={"marketing_sms": rng.random() < 0.6},
        )
        for place, (habit, name, phone, home) in enumerate(
            zip(habits, names, phones, homes, strict=True)
        )
    ]
    found = [one.member for one in enrolment.enrol_all(newcomers=newcomers, at=at)]
    return [
        Guest(member, habit, home)
        for member, habit, home in zip(found, habits, homes, strict=True)
        if member is not None
    ]


def _birthday(rng: Random) -> date | None:
    if rng.random() < 0.4:
        return None
    return date(1960, 1, 1) + timedelta(days=rng.randrange(46 * 365))


def _enrolled_at(rng: Random, habit: Habit, at: datetime) -> datetime:
    """Who comes often has been here longer."""
    latest = 380 if habit.visits[0] > 50 else 5
    days = rng.uniform(latest, 700)
    return (at - timedelta(days=days)).replace(microsecond=0)
