"""The program's settings."""

from decimal import ROUND_DOWN, Decimal, localcontext

from django.db import connection

from loyalty.models import Program
from members import transactions

CENT = Decimal("0.01")
# Enough for the most points at the dearest rate.
DIGITS = 50
# A version of a row in SQL: the transaction that wrote it and where it lies.
VERSION = "(xmin::text || ctid::text)"


def program() -> Program:
    """The one program row; read once under each lock that a verb takes."""
    return transactions.remembered("program", _read)


def _read() -> Program:
    return Program.objects.get(pk=1)


def program_version() -> str:
    """Which version of the program's row is in force: another after every change, of whatever field."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {VERSION} FROM loyalty_program WHERE id = 1")
        (version,) = cursor.fetchone()
    return str(version)


def value_of(points: int, program: Program) -> Decimal:
    """What points are worth in money, rounded down to cents."""
    with localcontext(prec=DIGITS):
        return (points * program.point_value).quantize(CENT, ROUND_DOWN)
