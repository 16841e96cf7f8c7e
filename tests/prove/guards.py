"""What the database itself refuses: every guard of the tables above people, and of their messages; and what breaks it.

The list comes from the catalogue, so that a guard which nobody tries to break is noticed.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, models

from members.models import Message, MessageTemplate
from tests.prove import campaign_guards, reward_guards
from tests.prove.campaign_guards import again

_TABLES = "^(loyalty|campaigns|rewards)_|^members_message"
_GUARDS = f"""
SELECT c.conrelid::regclass::text, c.conname, c.contype::text, pg_get_constraintdef(c.oid),
    (SELECT attname FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1])
FROM pg_constraint c
WHERE c.conrelid::regclass::text ~ '{_TABLES}' AND c.contype IN ('c', 'u', 'f')
UNION ALL
SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text, 'i', pg_get_indexdef(i.indexrelid), NULL
FROM pg_index i
WHERE i.indisunique AND i.indrelid::regclass::text ~ '{_TABLES}'
    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)
UNION ALL
SELECT t.tgrelid::regclass::text, t.tgname, 't', pg_get_triggerdef(t.oid), NULL
FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgrelid::regclass::text ~ '{_TABLES}'
ORDER BY 1, 3, 2"""

_GENERATED = re.compile(r"^pgtrigger_|_[0-9a-f]+$")
_KINDS = {"c": "check", "u": "unique", "i": "unique", "f": "foreign key", "t": "trigger"}


@dataclass(frozen=True, slots=True)
class Guard:
    """One constraint, unique key or trigger; `key` is its name without what a generator put there."""

    table: str
    name: str
    kind: str
    definition: str
    column: str | None

    @property
    def key(self) -> str:
        if self.kind == "foreign key":
            return f"{self.table}.{self.column}"
        if self.kind == "trigger":
            return f"{self.table}.{_GENERATED.sub('', self.name)}"
        return self.name

    def removal(self) -> str:
        """The statement that takes the guard away."""
        if self.kind == "trigger":
            return f"DROP TRIGGER {self.name} ON {self.table}"
        if self.definition.startswith("CREATE"):
            return f"DROP INDEX {self.name}"
        return f"ALTER TABLE {self.table} DROP CONSTRAINT {self.name}"


def guards() -> list[Guard]:
    """Every guard of these tables, as the database lists them."""
    with connection.cursor() as cursor:
        cursor.execute(_GUARDS)
        return [Guard(row[0], row[1], _KINDS[row[2]], row[3], row[4]) for row in cursor.fetchall()]


def _entry(kind: str, points: int, sequence: int = 99, reference: str = "new", **more: str) -> str:
    columns = {"corrects_id": "NULL", **more}
    return (
        "INSERT INTO loyalty_entry (wallet_id, kind, points, balance, sequence, reference, at, details, explanation,"
        f" {', '.join(columns)}) SELECT wallet_id, '{kind}', {points}, 0, {sequence}, '{reference}', now(), '{{}}',"
        f" '[]', {', '.join(columns.values())} FROM loyalty_entry WHERE reference = 'in'"
    )


def _set(table: str, change: str) -> str:
    return f"UPDATE loyalty_{table} SET {change} WHERE id = (SELECT min(id) FROM loyalty_{table})"


_REDEEM = "(SELECT id FROM loyalty_entry WHERE kind = 'redeem')"
_EARN = "(SELECT id FROM loyalty_entry WHERE reference = 'in')"

# Each statement breaks the guard it is named after, and is refused for no other reason. Where a guard says several
# things, each of them is broken once.
VIOLATIONS: dict[str, list[str]] = {
    # wallets
    "wallet_figures_not_negative": [
        _set("wallet", "active = -1, debt = 0"),
        _set("wallet", "pending = -1"),
        _set("wallet", "reserved = -1"),
        _set("wallet", "debt = -1, active = 0"),
    ],
    "wallet_totals_not_negative": [
        _set("wallet", "earned = -1"),
        _set("wallet", "spent = -1"),
        _set("wallet", "expired = -1"),
    ],
    "wallet_active_or_debt_not_both": [_set("wallet", "active = 1, debt = 1")],
    "wallet_closed_is_empty": [
        _set("wallet", "is_closed = true, active = 1, pending = 0, reserved = 0, debt = 0"),
        _set("wallet", "is_closed = true, active = 0, pending = 1, reserved = 0"),
        _set("wallet", "is_closed = true, active = 0, pending = 0, reserved = 1"),
    ],
    "wallet_once_per_type": [again("loyalty_wallet")],
    "loyalty_pointtype_code_key": [again("loyalty_pointtype")],
    # entries, lots, allocations
    "entry_points_not_zero": [_entry("adjust", 0)],
    "entry_sign_of_kind": [
        *(_entry(kind, -5) for kind in ("earn", "return", "transfer_in")),
        *(
            _entry(kind, 5)
            for kind in (
                "reverse",
                "redeem",
                "expire",
                "transfer_out",
                "fee",
                "donate",
                "buy_back",
            )
        ),
        _entry("present", 5),
    ],
    "entry_sequence_positive": [_entry("earn", 5, sequence=0)],
    "entry_sequence": [_entry("earn", 5, sequence=1)],
    "entry_once_per_reference": [_entry("earn", 5, reference="in")],
    "loyalty_entry.append_only": [
        "UPDATE loyalty_entry SET points = points + 1 WHERE kind = 'earn'",
        "UPDATE loyalty_entry SET details = '{\"a\": 1}' WHERE kind = 'earn'",
        "DELETE FROM loyalty_entry WHERE kind = 'return'",
    ],
    "loyalty_entry.no_truncate": ["TRUNCATE loyalty_entry CASCADE"],
    "loyalty_entry.corrects_within": [
        _entry("return", 999, corrects_id=_REDEEM),
        _entry("return", 25, corrects_id=_REDEEM),  # 30 were taken, 10 are given back already
        _entry("return", 5, corrects_id=_EARN),
        _entry("reverse", -101, corrects_id=_EARN),
    ],
    "lot_points_positive": [_set("lot", "points = 0, remaining = 0, reserved = 0, lapsed = 0")],
    "lot_remaining_within_points": [
        _set("lot", "remaining = -1, reserved = -1"),
        _set("lot", "remaining = points + 1"),
    ],
    "lot_reserved_within_remaining": [
        _set("lot", "reserved = -1"),
        _set("lot", "reserved = remaining + 1"),
        _set("lot", "is_pending = true, reserved = 1"),
    ],
    "lot_lapsed_within_points": [_set("lot", "lapsed = points + 1")],
    "lot_forgiven_within_lapsed": [
        _set("lot", "forgiven = -1"),
        _set("lot", "forgiven = lapsed + 1"),
    ],
    "lot_expires_after_activation": [_set("lot", "expires_at = active_from")],
    "allocation_points_not_zero": [
        again("loyalty_allocation", points="0"),
    ],
    "loyalty_allocation.append_only": [
        "UPDATE loyalty_allocation SET points = points - 1",
        "DELETE FROM loyalty_allocation",
    ],
    "loyalty_allocation.no_truncate": ["TRUNCATE loyalty_allocation"],
    # holds
    "hold_points_positive": [_set("hold", "points = 0, captured_points = 0")],
    "hold_captured_within_points": [
        _set("hold", "captured_points = points + 1, state = 'captured', closed_at = now()")
    ],
    "hold_captured_points_of_state": [
        _set("hold", "captured_points = 1"),
        _set("hold", "state = 'captured', closed_at = now()"),
        _set("hold", "state = 'elsewhere', closed_at = now()"),
    ],
    "hold_closed_has_a_moment": [
        _set("hold", "state = 'released'"),
        _set("hold", "closed_at = now()"),
    ],
    "hold_expires_after_it_began": [_set("hold", "expires_at = at")],
    "loyalty_hold_expires_in_check": [_set("hold", "expires_in = -1")],
    "hold_once_per_reference": [again("loyalty_hold")],
    "reservation_points_positive": [_set("reservation", "points = 0")],
    "reservation_once_per_lot": [again("loyalty_reservation")],
    # giving
    "transfer_points_positive": [_set("transfer", "points = 0"), _set("transfer", "fee = -1")],
    "transfer_not_to_oneself": [_set("transfer", "receiver_id = sender_id")],
    "transfer_once_per_reference": [again("loyalty_transfer")],
    "donation_points_positive": [_set("donation", "points = 0")],
    "donation_once_per_reference": [again("loyalty_donation")],
    "buyback_points_positive": [_set("buyback", "points = 0"), _set("buyback", "value = -1")],
    "buyback_once_per_reference": [again("loyalty_buyback")],
    # adjustments
    "adjustment_points_not_zero": [_set("adjustment", "points = 0")],
    "adjustment_once_per_reference": [again("loyalty_adjustment")],
    "adjustment_decided_by_somebody_else": [
        _set("adjustment", "decided_by = requested_by, decided_at = now()")
    ],
    "adjustment_decision_of_state": [
        _set("adjustment", "state = 'awaiting_approval', decided_by = 'adam'"),
        _set("adjustment", "state = 'awaiting_approval', decided_at = now()"),
        _set("adjustment", "state = 'rejected', decided_by = 'adam', decided_at = NULL"),
        _set("adjustment", "state = 'rejected', decided_by = '', decided_at = now()"),
        _set("adjustment", "state = 'forgotten'"),
    ],
    # orders
    "order_figures_not_negative": [
        _set("order", "amount = -1, points_paid_amount = -1, refunded_amount = -1"),
        _set("order", "points = -1, points_reversed = -1"),
        _set("order", "status_points = -1, status_points_reversed = -1"),
        _set("order", "points_returned = -1"),
    ],
    "order_refunded_within_amount": [
        _set("order", "refunded_amount = -1"),
        _set("order", "refunded_amount = amount + 1"),
    ],
    "order_points_paid_within_amount": [
        _set("order", "points_paid_amount = -1"),
        _set("order", "points_paid_amount = amount + 1"),
    ],
    "order_reversed_within_points": [
        _set("order", "points_reversed = -1"),
        _set("order", "points_reversed = points + 1"),
    ],
    "order_status_reversed_within_points": [
        _set("order", "status_points_reversed = -1"),
        _set("order", "status_points_reversed = status_points + 1"),
    ],
    "order_once_per_number": [again("loyalty_order")],
    "loyalty_orderline_position_check": [_set("orderline", '"position" = -1')],
    "orderline_position": [again("loyalty_orderline")],
    "orderstep_once_per_status": [again("loyalty_orderstep")],
    "refund_amount_positive": [_set("refund", "amount = 0")],
    "refund_once_per_reference": [again("loyalty_refund")],
    # the books
    "seal_entries_not_negative": [again("loyalty_seal", day="DATE '1999-01-01'", entries="-1")],
    "seal_ends_after_start": [
        again("loyalty_seal", day="DATE '1999-01-01'", ends_at='"starts_at"')
    ],
    "loyalty_seal_day_key": [again("loyalty_seal")],
    "loyalty_seal.append_only": [
        "UPDATE loyalty_seal SET entries = 7",
        "DELETE FROM loyalty_seal",
    ],
    "loyalty_seal.no_truncate": ["TRUNCATE loyalty_seal"],
    "daysheet_one_line": [again("loyalty_daysheet")],
    "verificationrun_ends_after_it_began": [
        _set("verificationrun", "differences = -1"),
        _set("verificationrun", "finished_at = started_at - interval '1 second'"),
    ],
    # the program
    "program_single_row": [_set("program", "id = 2")],
    "program_rates_not_negative": [
        _set("program", "earn_rate = -1"),
        _set("program", "status_rate = -1"),
        _set("program", "point_value = -1"),
    ],
    "program_expiry_months_positive": [
        _set("program", "expiry_months = 0"),
        _set("program", "status_expiry_months = 0"),
    ],
    "loyalty_program_approval_threshold_check": [_set("program", "approval_threshold = -1")],
    "loyalty_program_expiry_months_check": [_set("program", "expiry_months = -1")],
    "loyalty_program_monthly_redemption_cap_check": [
        _set("program", "monthly_redemption_cap = -1")
    ],
    "loyalty_program_pending_days_check": [_set("program", "pending_days = -1")],
    "loyalty_program_return_grace_days_check": [_set("program", "return_grace_days = -1")],
    "loyalty_program_status_expiry_months_check": [_set("program", "status_expiry_months = -1")],
}

VIOLATIONS |= campaign_guards.VIOLATIONS | reward_guards.VIOLATIONS

# What is no refusal: the digest of an entry is the database's own, whatever the writer says.
MENDED = {"loyalty_entry.digest"}


def _models() -> list[Any]:
    apps_above = ("loyalty", "campaigns", "rewards")
    found = [model for app in apps_above for model in apps.get_app_config(app).get_models()]
    return [*found, Message, MessageTemplate]


def references() -> list[str]:
    """The key of every foreign key, from the models; without those that have a violation of their own."""
    keys = {
        f"{model._meta.db_table}.{field.column}"
        for model in _models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.db_constraint  # type: ignore[attr-defined]
    }
    return sorted(keys - VIOLATIONS.keys())
