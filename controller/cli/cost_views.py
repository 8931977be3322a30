"""The cost-performance table, the hosting crossover and advice, for people.

Eighty columns are enough for the table: what it says of each size stands below it, a line
each, so that no column has to fold.
"""

import math
from collections.abc import Sequence

from controller.cli.output import Cell, Row, printable, show_table
from controller.cli.session import Session
from controller.cli.size_words import told_apart
from controller.cli.words import UNKNOWN, ms_range, number, probability, usd, usd_range
from controller.core.cost_table import CostRow, in_brief
from controller.model.advice import Advice, HostingCost
from controller.model.demand import Interval
from controller.model.endpoint import Kind
from controller.model.estimate import Rejection
from controller.model.missing import Maybe, Missing
from controller.model.size import LambdaSize, RealtimeSize, Size

_MILESTONES = frozenset(2**n for n in range(7, 14)) | {10_240}
KIND_WORDS = {
    Kind.LAMBDA_FUNCTION: "Lambda function",
    Kind.SERVERLESS_ENDPOINT: "serverless endpoint",
    Kind.REALTIME_ENDPOINT: "real-time endpoint",
}


def show_costs(
    session: Session, title: str, rows: Sequence[CostRow], marks: "Marks", *, wide: bool
) -> None:
    """The table; in the narrow form without the sizes between, and with the reasons below."""
    shown = in_reading_order(rows if wide else brief(rows, marks.places))
    left_out = len(rows) - len(shown)
    note = f" ({left_out} more left out; -o wide shows all)" if left_out else ""
    session.write(f"\n{title}{note}\n")
    columns = _columns(shown, wide=wide)
    names = told_apart([row.size for row in shown])
    show_table(session, columns, [_row(row, names[row.size], marks, columns) for row in shown])
    session.write("* the live size   > the wanted size\n")
    if not wide:
        session.write("\n")
        reasons = [(names[row.size], f"{row.verdict.value}: {row.why}") for row in shown if row.why]
        show_table(session, ("SIZE", "WHY"), reasons)


class Marks:
    """Which rows are the live and the wanted size."""

    def __init__(self, live: Size | None, wanted: Size | None) -> None:
        self._live, self._wanted = live, wanted

    @property
    def places(self) -> frozenset[Size]:
        """The sizes that are marked."""
        return frozenset(size for size in (self._live, self._wanted) if size is not None)

    def of(self, size: Size) -> str:
        """`*`, `>` or nothing."""
        if size == self._wanted and size != self._live:
            return ">"
        return "*" if size == self._live else ""


def brief(rows: Sequence[CostRow], keep: frozenset[Size]) -> list[CostRow]:
    """The rows that matter: on a ladder of memory the sizes in `keep`, their neighbours, the
    ends and powers of two; of other sizes what was chosen and what costs least."""
    if not all(isinstance(row.size, LambdaSize) for row in rows):
        return list(in_brief(rows))
    places = {i for i, row in enumerate(rows) if row.size in keep}
    near = {i + step for i in places for step in (-1, 0, 1)} | {0, len(rows) - 1}
    return [row for i, row in enumerate(rows) if i in near or _is_milestone(row.size)]


def in_reading_order(rows: Sequence[CostRow]) -> list[CostRow]:
    """Up the ladder where memory is what is bought; instances by what they cost."""
    if not any(isinstance(row.size, RealtimeSize) for row in rows):
        return list(rows)
    return sorted(rows, key=lambda row: (_usd(row), str(row.size)))


def _usd(row: CostRow) -> float:
    return math.inf if isinstance(row.usd_per_month, Missing) else row.usd_per_month.mid


def _is_milestone(size: Size) -> bool:
    return isinstance(size, LambdaSize) and size.memory_mb in _MILESTONES


def _columns(rows: Sequence[CostRow], *, wide: bool) -> list[str]:
    names = ["", "SIZE", ">LATENCY MS (90 %)", "SLO"]
    if wide:
        names.append(">P(SLO)")
    if any(not isinstance(row.instances, Missing) for row in rows):
        names.append(">INST")
    names += [">USD/H", ">USD/MONTH (90 %)" if wide else ">USD/MONTH", ">USD/1M"]
    if any(row.fits_budget is not None for row in rows):
        names.append("BUDGET")
    if wide:
        names += ["VERDICT", ">MEASURED", "EVIDENCE", "WHY"]
    return names


def _row(row: CostRow, name: str, marks: Marks, columns: Sequence[str]) -> Row:
    style = "bold" if marks.of(row.size) else ""
    fits = {True: "yes", False: "no", None: UNKNOWN}[row.fits_budget]
    cells: dict[str, str | Cell] = {
        "": Cell(marks.of(row.size), style),
        "SIZE": Cell(str(row.size) if "WHY" in columns else name, style),
        ">LATENCY MS (90 %)": ms_range(row.p95_ms),
        "SLO": Cell("yes" if row.meets_slo else "no", "green" if row.meets_slo else ""),
        ">P(SLO)": probability(row.p_slo),
        ">INST": instances(row.instances),
        ">USD/H": usd_per_hour(row.usd_per_hour),
        ">USD/MONTH": _mid(row.usd_per_month),
        ">USD/MONTH (90 %)": usd_range(row.usd_per_month),
        ">USD/1M": usd(row.usd_per_million),
        "BUDGET": Cell(fits, "red" if row.fits_budget is False else ""),
        "VERDICT": Cell(row.verdict.value, "green" if row.verdict is Rejection.CHOSEN else ""),
        ">MEASURED": f"{row.measured_requests:,}",
        "EVIDENCE": row.evidence,
        "WHY": row.why,
    }
    return [cells[name] for name in columns]


def instances(value: Maybe[Interval]) -> str:
    """`1-3`, from trough to peak."""
    if isinstance(value, Missing):
        return ""
    low, high = f"{value.low:.3g}", f"{value.high:.3g}"
    return low if low == high else f"{low}-{high}"


def usd_per_hour(value: Maybe[float]) -> str:
    """`0.204`: an hour's cents are too coarse."""
    if isinstance(value, Missing):
        return UNKNOWN
    return f"{value:,.3f}" if value >= 0.01 else f"{value:.2g}"


def _mid(value: Maybe[Interval]) -> str:
    return UNKNOWN if isinstance(value, Missing) else usd(value.mid)


def show_hosting(session: Session, lines: Sequence[HostingCost]) -> None:
    """What the same demand would cost under each kind of hosting."""
    if not lines:
        return
    session.write("\nThe same demand under another kind of hosting (never carried out)\n")
    rows = [
        (
            Cell(KIND_WORDS[line.kind], "bold" if line.present else ""),
            Cell(line.what, brief=line.what.partition(" at ")[0].replace(" x ml.", " ")),
            _span(line.usd_per_month),
            "" if isinstance(line.break_even_rps, Missing) else number(line.break_even_rps),
            "in use, rightly sized" if line.present else line.assumes,
        )
        for line in lines
    ]
    columns = ("HOSTING", "SIZE", ">USD/MONTH", "~>EVEN AT RPS", "IF")
    show_table(session, columns, rows)


def _span(value: Maybe[Interval]) -> str:
    if isinstance(value, Missing):
        return UNKNOWN
    low, high = usd(value.low), usd(value.high)
    return low if low == high else f"{low}-{high}"


def show_advice(session: Session, advice: Sequence[Advice]) -> None:
    """Each piece on a line of its own."""
    if not advice:
        return
    session.write("\nAdvice (carried out by nobody)\n")
    for one in advice:
        session.write(f"{one.reason.value}: {printable(one.message)}\n")
