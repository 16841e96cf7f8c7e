"""The latest days of the demo shop: gifts, donations, a hold, a frozen member, a correction that waits for a second person."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from config.demo.people import Guest
from loyalty import adjustments, buy_backs, donations, holds, queries, tier_grants, transfers
from loyalty.adjustments import AdjustmentFacts
from members import lifecycle
from members import queries as member_queries
from members.models import Member

RICH = 400


def live(*, guests: Sequence[Guest], at: datetime) -> None:
    """What members and staff did with points in the last hours, most of it to be seen in the console."""
    everybody = [guest.member for guest in guests]
    figures = queries.figures_of(members=everybody, at=at)
    rich = [each for each in everybody if figures[each.pk].active >= RICH]
    _give(rich[:4], at - timedelta(hours=7))
    _donate(rich[4:7], at - timedelta(hours=5))
    _hold(rich[8], at)
    _ask(rich[9:11], at)
    lifecycle.freeze(
        member=everybody[30],
        reason="同一设备一小时内兑换五次，待核实",
        by="manager",
        at=at - timedelta(hours=3),
    )
    tier_grants.give(
        member=everybody[40],
        tier=member_queries.tier("gold"),
        until=at + timedelta(days=180),
        reason="门店品鉴官",
        by="owner",
        at=at - timedelta(hours=2),
    )


def _give(members: Sequence[Member], at: datetime) -> None:
    for place, (sender, receiver) in enumerate(pairwise(members)):
        request = transfers.TransferRequest(
            sender=sender.number,
            receiver=receiver.number,
            points=100 + 50 * place,
            reference=f"demo-{place}",
            message=("请你喝咖啡", "生日快乐", "谢谢帮忙")[place],
        )
        transfers.transfer(request=request, at=at + timedelta(minutes=9 * place))


def _donate(members: Sequence[Member], at: datetime) -> None:
    for place, member in enumerate(members[:2]):
        request = donations.DonationRequest(
            member=member.number, points=200, project="梭梭树", reference="demo"
        )
        donations.donate(request=request, at=at + timedelta(minutes=7 * place))
    back = buy_backs.BuyBackRequest(member=members[2].number, points=300, reference="demo")
    buy_backs.buy_back(request=back, at=at + timedelta(minutes=20))


def _hold(member: Member, at: datetime) -> None:
    request = holds.HoldRequest(
        member=member.number, points=300, reference="demo", expires_in=7 * 24 * 60 * 60
    )
    holds.hold(request=request, at=at - timedelta(minutes=12))


def _ask(members: Sequence[Member], at: datetime) -> None:
    """Above the program's threshold: somebody else than the manager has to approve."""
    asked = (
        (1_200, "compensation", "团餐订单延误补偿"),
        (-900, "correction", "更正重复计入的积分"),
    )
    for place, (member, (points, reason, message)) in enumerate(zip(members, asked, strict=True)):
        adjustments.adjust(
            facts=AdjustmentFacts(
                member=member.number,
                points=points,
                reason=reason,
                message=message,
                note="见客服工单",
                reference=f"demo-ask-{place}",
            ),
            requested_by="manager",
            at=at - timedelta(minutes=90 - 30 * place),
        )
