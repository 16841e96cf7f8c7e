"""What happens to every member of the large shop, in order; `n` is the member's place from 0 on.

Amounts and moments are SQL over `n` and `%(at)s`. B lapses nine months after the filling and nothing else within ten,
so that a settlement nine and a half months on expires one lot of every member.
"""

from dataclasses import dataclass

# 150 days and, of those, a month: members do not all come on one day.
_SPREAD = "(n %% 150) * interval '1 day' + (n %% 1440) * interval '1 minute'"
_MONTH = "(n %% 30) * interval '1 day' + (n %% 1440) * interval '1 minute'"

A = "(20 + n %% 50)"
B = "(10 + n %% 90)"
C = "(30 + n %% 40)"
D = "(7 + n %% 60)"
REDEEMED = "(5 + n %% 10)"
REVERSED = "(3 + n %% 20)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of every member; `lot_left` is what is left of the lot it brings, `of` the step whose lot it takes from."""

    name: str
    wallet: str
    kind: str
    sequence: int
    points: str
    balance: str
    at: str
    lot_left: str | None = None
    lapsed: str = "0"
    months: int = 24
    lapses: str | None = None
    of: int | None = None

    @property
    def title(self) -> str:
        """What its explanation is called: rule and kind."""
        return {
            "earn": "award/bonus",
            "redeem": "mug/reward",
            "expire": "expiry/expiry",
            "reverse": "award/reversal",
        }[self.kind]


def _ago(months: int, spread: str = _MONTH) -> str:
    return f"(%(at)s::timestamptz - interval '{months} months' + {spread})"


# A day's end in the program's zone (`p`), the same for all: as with points that lapse on a fixed day of the year.
IN_NINE_MONTHS = """((date_trunc('day', %(at)s::timestamptz AT TIME ZONE p.time_zone) + interval '9 months')
    AT TIME ZONE p.time_zone)"""
ENROLLED = _ago(31, _SPREAD)

STORY = (
    Step(
        name="earned and spent, the rest lapsed",
        wallet="points",
        kind="earn",
        sequence=1,
        points=A,
        balance=A,
        at=ENROLLED,
        lot_left="0",
        lapsed=f"({A} - {REDEEMED})",
    ),
    Step(
        name="earned, the first to lapse",
        wallet="points",
        kind="earn",
        sequence=2,
        points=B,
        balance=f"({A} + {B})",
        at=_ago(20, _SPREAD),
        lot_left=B,
        lapses=IN_NINE_MONTHS,
    ),
    Step(
        name="redeemed",
        wallet="points",
        kind="redeem",
        sequence=3,
        points=f"-{REDEEMED}",
        balance=f"({A} + {B} - {REDEEMED})",
        at=_ago(14, _SPREAD),
        of=0,
    ),
    Step(
        name="lapsed",
        wallet="points",
        kind="expire",
        sequence=4,
        points=f"-({A} - {REDEEMED})",
        balance=B,
        at=ENROLLED,  # the expiry moment of the lot that was earned then
        of=0,
    ),
    Step(
        name="earned, in part taken back",
        wallet="points",
        kind="earn",
        sequence=5,
        points=C,
        balance=f"({B} + {C})",
        at=_ago(2),
        lot_left=f"({C} - {REVERSED})",
    ),
    Step(
        name="taken back",
        wallet="points",
        kind="reverse",
        sequence=6,
        points=f"-{REVERSED}",
        balance=f"({B} + {C} - {REVERSED})",
        at=_ago(2) + " + interval '1 hour'",
        of=4,
    ),
    Step(
        name="status points",
        wallet="status",
        kind="earn",
        sequence=1,
        points=A,
        balance=A,
        at=_ago(2),
        lot_left=A,
        months=12,
    ),
    Step(
        name="status points again",
        wallet="status",
        kind="earn",
        sequence=2,
        points=B,
        balance=f"({A} + {B})",
        at=_ago(1),
        lot_left=B,
        months=12,
    ),
    Step(
        name="earned",
        wallet="points",
        kind="earn",
        sequence=7,
        points=D,
        balance=f"({B} + {C} - {REVERSED} + {D})",
        at=_ago(1),
        lot_left=D,
    ),
)

BALANCE = STORY[-1].balance


def EXTRA(number: int) -> Step:  # noqa: N802 - stands beside STORY
    """One more earn for everybody, the `number`-th after the story."""
    return Step(
        name="earned once more",
        wallet="points",
        kind="earn",
        sequence=8 + number,
        points="(5 + n %% 20)",
        balance=f"({BALANCE} + {number + 1} * (5 + n %% 20))",
        at=_ago(1),
        lot_left="(5 + n %% 20)",
    )
