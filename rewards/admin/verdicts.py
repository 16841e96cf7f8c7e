"""What the counter is told about a voucher: can it be used here and now, and if not, why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from loyalty import programs, spending
from members import queries as member_queries
from members.errors import Refusal
from members.models import Store
from rewards import voucher_rules, voucher_steps
from rewards.errors import AlreadyUsed, VoucherExpired, VoucherVoid
from rewards.models import Voucher
from rewards.voucher_errors import (
    NotValidHere,
    NotValidToday,
    TicketForDraws,
    TooManyMisses,
    VoucherInactive,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A colour (good, warm, bad), a sign, a few large words, and the rest of the story."""

    tone: str
    icon: str
    words: str
    story: str = ""
    is_doubtful: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it can be used now without another look."""
        return self.tone == "good"

    @property
    def can_be_used(self) -> bool:
        """Whether it can be used now, if need be after another look."""
        return self.is_good or self.is_doubtful


def verdict(voucher: Voucher, store: Store | None, at: datetime) -> Verdict:
    """What to say of a voucher at a store and moment."""
    try:
        voucher_rules.refuse_unusable(voucher, at)
        spending.check_may_spend(member=voucher.member)
        voucher_rules.refuse_misplaced(voucher, store, at)
    except Refusal as refusal:
        return refused(refusal, voucher)
    if voucher_rules.is_session_to_come(voucher.redemption.variant, at, programs.current().zone):
        words = _("It is for a session of another day. Use it now only if that is meant.")
        return Verdict("warm", "event", _("Not today's session"), words, is_doubtful=True)
    return Verdict("good", "check_circle", _("Good: can be used now"))


def used_now(voucher: Voucher) -> Verdict:
    """Right after it was used at this counter."""
    return Verdict("good", "task_alt", _("Used: hand it over now"), _what(voucher))


def _what(voucher: Voucher) -> str:
    variant = voucher.redemption.variant
    return f"{voucher.reward.name} · {variant.name}" if variant else voucher.reward.name


def unknown() -> Verdict:
    """No voucher has the code."""
    return Verdict(
        "bad",
        "search_off",
        _("No such voucher"),
        _("There is no voucher with this code. Check the letters."),
    )


def slowed(refusal: TooManyMisses) -> Verdict:
    """Too many wrong codes were tried."""
    return Verdict("bad", "hourglass_top", _("Too many wrong codes"), str(refusal))


def refused(refusal: Refusal, voucher: Voucher) -> Verdict:
    """What to say when it cannot be used."""
    tone, icon, words = _HEADS.get(type(refusal), ("bad", "block", lambda: _("Cannot be used")))
    return Verdict(tone, icon, words(), _story(refusal, voucher))


_HEADS: Mapping[type[Refusal], tuple[str, str, Callable[[], str]]] = {
    AlreadyUsed: ("bad", "history", lambda: _("Used already")),
    VoucherVoid: ("bad", "block", lambda: _("Void")),
    VoucherExpired: ("warm", "event_busy", lambda: _("Expired")),
    VoucherInactive: ("warm", "schedule", lambda: _("Not active yet")),
    TicketForDraws: ("warm", "casino", lambda: _("For a draw")),
    NotValidHere: ("warm", "wrong_location", lambda: _("Not here")),
    NotValidToday: ("warm", "event_repeat", lambda: _("Not today")),
}


def _story(refusal: Refusal, voucher: Voucher) -> str:
    parts = [str(refusal)]
    if isinstance(refusal, AlreadyUsed):
        by = member_queries.staff_names([voucher.used_by]).get(voucher.used_by, voucher.used_by)
        parts += [_("By %(who)s.") % {"who": by}] if by else []
    if isinstance(refusal, VoucherVoid) and voucher.voided_at:
        moment = timezone.localtime(voucher.voided_at)
        words = {
            "moment": date_format(moment, "DATETIME_FORMAT"),
            "who": voucher_steps.voided_by(voucher),
        }
        by_whom = _("Voided %(moment)s by %(who)s.") if words["who"] else _("Voided %(moment)s.")
        parts.append(by_whom % words)
    return " ".join(parts)
