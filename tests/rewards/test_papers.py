"""The books know what rewards took and gave: every paper that disagrees is found."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from loyalty import merging, verification
from members.models import Member
from rewards import drafts, fulfilment, pools, redemption, vouchers
from rewards.fulfilment import Parcel
from rewards.models import DrawPlay, Redemption, Reward, StockMovement, Voucher
from rewards.redemption import RedemptionRequest
from tests.conftest import NOON, Scene, enrol_ada, enrol_bob
from tests.loyalty.builders import wallet_of
from tests.rewards.conftest import new_reward
from tests.rewards.draws import go, new_draw, points, reward

LATER = NOON + timedelta(hours=1)


def differences(*, explanations: bool = False) -> list[tuple[str, int | None]]:
    found = verification.passes(with_explanations=explanations)
    return [(each.check, each.wallet) for one in found for each in one.differences]


def asked(member: Member, reward: str, reference: str, quantity: int = 1) -> RedemptionRequest:
    return RedemptionRequest(
        member=member.number, reward=reward, reference=reference, quantity=quantity
    )


def redeem(
    member: Member, reward: str, reference: str, quantity: int = 1, at: datetime = NOON
) -> Redemption:
    request = asked(member, reward, reference, quantity)
    return redemption.redeem(request=request, at=at).redemption


def open_shop() -> Member:
    """Ada redeemed in every way and had goes at a draw; Bob, who had one too, was merged into her."""
    ada, bob = enrol_ada(), enrol_bob()
    new_reward("mug", stock=9, points=50)
    new_reward("film", kind="partner_code", points=20)
    pools.add(reward="film", file=b"AAAA-1111\nBBBB-2222\n", by="owner", at=NOON)
    new_reward("pin", points=10)
    used = redeem(ada, "pin", "used")
    vouchers.use(
        code=used.vouchers.get().code, store=None, reference="", used_by="clerk", at=LATER
    )
    redemption.cancel(number=redeem(ada, "mug", "cancelled", 2).number, at=LATER)
    redeem(ada, "film", "code")
    fulfilment.fulfil(
        number=redeem(ada, "pin", "over").number, parcel=Parcel(), by="clerk", at=LATER
    )
    paid = drafts.reserve(request=asked(ada, "mug", "draft"), at=NOON).redemption
    drafts.issue(number=paid.number, at=NOON)
    drafts.reserve(request=asked(ada, "mug", "open"), at=NOON)
    drafts.reserve(request=asked(ada, "mug", "left"), at=NOON - timedelta(hours=2))
    draw = new_draw(prizes=[points("P", 3, stock=2), reward("mug", stock=1)])
    for number in range(3):
        go(ada, draw, f"g{number}")
    merging.merge(source=bob.number, into=ada.number, by="owner", at=LATER)
    return ada


@pytest.fixture(scope="class")
def opened(scene: Scene[Member]) -> Iterator[Member]:
    with scene(open_shop) as ada:
        yield ada


@pytest.fixture
def shop(opened: Member, db: None) -> Member:
    """The member to whom all of it happened."""
    return opened


def run(statement: str) -> None:
    """Change rows behind everybody's back."""
    tables = ("stockmovement", "drawplay", "voucherstep")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE rewards_{table} DISABLE TRIGGER USER")
        cursor.execute(statement)


REDEMPTION = "a redemption has its entries"
STOCK = "movements of stock add up to the stock"
MOVED = "what is redeemed moves its pieces"
PIECES = "a redemption has a voucher for each piece"
OVER = "what is over has no voucher left"
CANCELLED = "what was cancelled was not used"
STEPS = "a voucher's use stands in its steps"
CODES = "a code that was handed out is its voucher's"
GAPS = "tickets of a round have no gaps"
SEED = "a round has the seed that was promised"
PUBLISHED = "a round gives no more than it published"
GO = "a go has its ticket and its prize"
GOES = "goes at draws have their entries"

_USED = "(SELECT id FROM rewards_redemption WHERE reference = 'used')"

# What is changed, the checks that find it, and whether they name the wallet.
ERRORS: list[tuple[str, list[str], bool]] = [
    ("UPDATE rewards_redemption SET points = points + 1 WHERE reference = 'used'", [REDEMPTION], True),
    ("UPDATE rewards_redemption SET points = points + 1 WHERE reference = 'draft'", [REDEMPTION], True),
    ("UPDATE rewards_redemption SET number = 'R1' WHERE reference = 'used'", [REDEMPTION] * 2, True),
    (
        "UPDATE rewards_redemption SET state = 'expired' WHERE reference = 'cancelled'",
        [REDEMPTION],
        True,
    ),
    ("UPDATE rewards_reward SET stock = stock + 1 WHERE code = 'mug'", [STOCK], False),
    ("UPDATE rewards_reward SET stock = NULL WHERE code = 'mug'", [STOCK], False),
    ("DELETE FROM rewards_stockmovement WHERE cause = 'set_aside' AND pieces < 0", [STOCK], False),
    (
        ("UPDATE rewards_stockmovement SET pieces = pieces - 1 WHERE id = (SELECT min(id) FROM rewards_stockmovement"
         " WHERE cause = 'redeemed')"),
        [STOCK, MOVED],
        False,
    ),
    (
        ("INSERT INTO rewards_variant (reward_id, code, name, stock, extra_points, position, active, place)"
         " SELECT id, 'xl', 'XL', 4, 0, 0, true, '' FROM rewards_reward WHERE code = 'mug'"),
        [STOCK],
        False,
    ),
    ("UPDATE rewards_redemption SET quantity = 2 WHERE reference = 'used'", [PIECES], False),
    (
        ("UPDATE rewards_redemption SET state = 'reserved', reserved_until = now() + interval '1 year'"
         " WHERE reference = 'used'"),
        [PIECES],
        False,
    ),
    (
        f"UPDATE rewards_voucher SET state = 'active', used_at = NULL WHERE redemption_id = {_USED}",
        [OVER],
        False,
    ),
    (
        ("UPDATE rewards_voucher SET state = 'used', used_at = now() WHERE redemption_id = (SELECT id FROM"
         " rewards_redemption WHERE reference = 'cancelled')"),
        [CANCELLED, STEPS, STEPS],
        False,
    ),
    (
        ("UPDATE rewards_voucher SET used_at = used_at + interval '1 second' WHERE state = 'used' AND"
         f" redemption_id = {_USED}"),
        [STEPS],
        False,
    ),
    ("UPDATE rewards_partnercode SET voucher_id = NULL WHERE is_taken", [CODES], False),
    ("UPDATE rewards_partnercode SET lookup = 'X' WHERE is_taken", [CODES], False),
    (
        "UPDATE rewards_partnercode SET reward_id = (SELECT id FROM rewards_reward WHERE code = 'pin') WHERE is_taken",
        [CODES],
        False,
    ),
    ("UPDATE rewards_drawround SET tickets = tickets + 1", [GAPS], False),
    ("UPDATE rewards_drawplay SET number = 9 WHERE number = 2", [GAPS], False),
    ("UPDATE rewards_drawround SET seed = repeat('0', 64)", [SEED], False),
    (
        "UPDATE rewards_drawround SET prizes = jsonb_set(prizes, '{0,stock}', '1')",
        [PUBLISHED],
        False,
    ),
    (
        "UPDATE rewards_redemption SET points = 1 WHERE reference LIKE 'draw/%'",
        [REDEMPTION, GO],
        False,
    ),
    ("UPDATE rewards_drawplay SET redemption_id = NULL", [GO], False),
    ("UPDATE rewards_drawplay SET points = points + 1 WHERE number = 1", [GOES], True),
    ("UPDATE rewards_drawround SET prizes = jsonb_set(prizes, '{0,points}', '4')", [GOES], True),
]  # fmt: skip


class TestPapers:
    def test_agree_with_the_ledger_and_every_sum_can_be_done_again(self, shop: Member) -> None:
        assert Voucher.objects.filter(state="used").count() == 2
        assert Redemption.objects.filter(state="reserved").count() == 2
        assert (DrawPlay.objects.count(), Reward.objects.get(code="film").stock) == (3, 1)
        assert StockMovement.objects.filter(cause="returned").exists()
        assert differences(explanations=True) == []

    @pytest.mark.parametrize(("change", "checks", "names_wallet"), ERRORS)
    def test_an_error_is_found(
        self, shop: Member, change: str, checks: list[str], names_wallet: bool
    ) -> None:
        run(change)

        found = differences()
        assert sorted(check for check, _wallet in found) == sorted(checks)
        if names_wallet:
            assert {wallet for _check, wallet in found} == {wallet_of(shop)}
