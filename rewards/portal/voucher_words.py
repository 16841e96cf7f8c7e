"""What a voucher is good for, in words for the member."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from loyalty.models import Program
from members import queries as member_queries
from members.templatetags.portal import money, rate
from rewards import queries, voucher_rules
from rewards.models import Redemption, Reward, Variant, Voucher
from rewards.voucher_errors import day_names, listed


@dataclass(frozen=True, slots=True)
class Shown:
    """A voucher with its state and what it is good for; `where` and `days` empty: everywhere, every day.

    `digest` names the reward's picture, empty where it has none.
    """

    voucher: Voucher
    state: str
    worth: str
    where: str
    days: str
    digest: str

    @property
    def variant(self) -> Variant | None:
        """Which kind of the reward, or which session, it is for."""
        return self.voucher.redemption.variant

    @property
    def is_of_partner(self) -> bool:
        """Whether it is a partner's code: typed in at the partner's, scanned at no till of ours."""
        return self.voucher.reward.kind == Reward.Kind.PARTNER_CODE

    @property
    def is_taken_back(self) -> bool:
        """Whether the shop voided it, rather than its redemption being cancelled."""
        is_cancelled = self.voucher.redemption.state == Redemption.State.CANCELLED
        return self.state == Voucher.State.VOID and not is_cancelled


def shown(found: Iterable[Voucher], program: Program, at: datetime) -> list[Shown]:
    """Vouchers (with their rewards) as members see them; one query for the names of stores and one for pictures."""
    vouchers = list(found)
    digests = queries.picture_digests({each.reward_id for each in vouchers})
    codes = {code for each in vouchers for code in each.reward.stores}
    names = {code: store.name for code, store in member_queries.stores_by_code(codes).items()}
    return [
        Shown(
            voucher=each,
            state=voucher_rules.state_of(each, at),
            worth=worth(each, program),
            where=listed([names.get(code, code) for code in each.reward.stores]),
            days=day_names(each.reward.weekdays),
            digest=digests.get(each.reward_id, ""),
        )
        for each in vouchers
    ]


def worth(voucher: Voucher, program: Program) -> str:
    """What it takes off: ¥20 off, for orders from ¥100; empty where it takes nothing off."""
    amount, percent = voucher_rules.amount_of(voucher), voucher.reward.discount_percent
    if amount is not None:
        off = pgettext("voucher", "%(amount)s off") % {"amount": money(amount, program.currency)}
    elif percent is not None:
        off = pgettext("voucher", "%(percent)s%% off") % {"percent": rate(percent)}
    else:
        return ""
    least = voucher.reward.min_spend
    if not least:
        return off
    words = {"off": off, "amount": money(least, program.currency)}
    return pgettext("voucher", "%(off)s orders of %(amount)s or more") % words


def taken_back(voucher: Voucher) -> str:
    """Why the shop took a voucher back."""
    return voucher.void_reason or _("The shop took it back.")
