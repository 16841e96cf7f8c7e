"""The usual credits, one or many, in one statement; everything else goes through a book in memory.

The statements write the very rows that a book writes: tests/loyalty/test_ledger_quick.py holds the two side by side.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from loyalty.ledger import statements
from loyalty.ledger.database import rows
from loyalty.ledger.postings import MAX_POINTS, Credit, Posted, Posting, refuse_unsound
from loyalty.ledger.rows import columns, encoded, iso, quoted
from loyalty.ledger.states import WalletState

# From so many on, the one statement is quicker than a book.
MANY = 20
NOTHING = '"{}"'


def credit_at_once(*, member: int, credit: Credit, at: datetime, program: str) -> Posted | None:
    """Credit an earn to the points wallet of a member (id) as of `at`, if that leaves nothing to decide.

    `program` is the version that the credit's dates follow. None, and nothing is written: another version is in force,
    the reference is known, something is due, owed or pending, or the member is closed or merged. Then lock and post.
    The credit's `wallet` is not looked at. Raises InvalidInput as `post` does.
    """
    refuse_unsound(credit)
    if not _is_plain(credit, at):
        return None
    if not connection.in_atomic_block:
        return _write(member, credit, at, program)
    with transaction.atomic():  # what the database refuses must not break the caller's transaction
        return _write(member, credit, at, program)


def split(
    postings: Sequence[Posting], wallets: dict[int, WalletState], at: datetime
) -> tuple[list[Credit], list[Posting]]:
    """The credits of a batch that leave nothing to decide, and the other postings; wallets locked and settled."""
    times = Counter(
        wallet for each in postings for wallet in (each.wallet, getattr(each, "to", each.wallet))
    )
    plain: list[Credit] = []
    others: list[Posting] = []
    for each in postings:
        # A posting counts its wallet twice, as giver and as receiver.
        if (
            isinstance(each, Credit)
            and times[each.wallet] == 2
            and _leaves_nothing(each, wallets[each.wallet], at)
        ):
            plain.append(each)
        else:
            others.append(each)
    return (plain, others) if len(plain) >= MANY else ([], list(postings))


def _leaves_nothing(credit: Credit, wallet: WalletState, at: datetime) -> bool:
    is_quiet = not (wallet.debt or wallet.is_changed)
    return (
        is_quiet
        and credit.kind == "earn"
        and _is_plain(credit, at)
        and wallet.has_room(credit.points, credit.kind)
    )


def credit_many(credits: Sequence[Credit], wallets: dict[int, WalletState]) -> list[Posted]:
    """Write credits that `split` found, in one statement; the wallets in memory follow."""
    lines: list[tuple[int | str | None, ...]] = [
        (
            each.wallet,
            each.points,
            quoted(each.reference),
            iso(each.at),
            quoted(encoded(each.details)) if each.details else NOTHING,
            quoted(encoded(each.explanation)),
            each.store,
            iso(each.active_from),
            None if each.expires_at is None else iso(each.expires_at),
        )
        for each in credits
    ]
    written = {row[0]: row[1:] for row in rows(statements.CREDIT_MANY, columns(lines))}
    posted = []
    for each in credits:
        wallet = wallets[each.wallet]
        balance, wallet.sequence = written[each.wallet]
        wallet.active += each.points
        wallet.earned += each.points
        wallet.note_due(each.expires_at)
        posted.append(Posted(each.points, balance, is_new=True))
    return posted


def _is_plain(credit: Credit, at: datetime) -> bool:
    """Whether the lot is active at once and does not lapse at once."""
    is_open = credit.expires_at is None or credit.expires_at > at
    return credit.active_from <= at and is_open and credit.points <= MAX_POINTS


def _write(member: int, credit: Credit, at: datetime, program: str) -> Posted | None:
    written = rows(
        statements.CREDIT_AT_ONCE,
        [
            member,
            credit.kind,
            credit.points,
            credit.reference,
            credit.at,
            encoded(credit.details),
            encoded(credit.explanation),
            credit.store,
            credit.active_from,
            credit.expires_at,
            at,
            program,
        ],
    )
    return Posted(credit.points, written[0][0], is_new=True) if written else None
