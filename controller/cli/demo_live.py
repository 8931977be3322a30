"""The demo on a terminal: a table that follows the account, and the last steps below it."""

from collections import deque
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from controller.cli.demo_lines import (
    date_time,
    decision_words,
    guest_line,
    line,
    probe_words,
    step_words,
)
from controller.cli.output import printable
from controller.cli.session import Session
from controller.cli.size_words import size_arrow
from controller.cli.words import number, usd
from controller.core.conditions import current_candidate
from controller.core.sentence import counted
from controller.demo.play import HOUR_S
from controller.demo.stage import Stage
from controller.model.change import Change, ChangeEvent
from controller.model.decision import Assessment, Propose
from controller.model.demand import Attainment
from controller.model.endpoint import EndpointKey
from controller.model.missing import Missing
from controller.model.probe import ProbeRecord
from controller.model.reason import Reason

FRAME_S = 0.1
"""Least real time between two pictures."""
STEPS_SHOWN = 7
WIDE = 110
"""Columns from which there is room for the state."""
_SLO_STYLES = {Attainment.MET: "green", Attainment.BREACHED: "bold red", Attainment.UNKNOWN: "dim"}


class LiveTable:
    """Draws when told something, from the main thread; a context manager."""

    def __init__(self, session: Session, stage: Stage) -> None:
        self._clock = session.clock
        self._stage = stage
        self._slo_ms = {p.name: p.slo.threshold_ms for p in stage.policies.policies}
        console = Console(
            file=session.out, no_color=not session.settings.color, highlight=False, emoji=False
        )
        self._wide = console.width >= WIDE
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._rows: dict[EndpointKey, Assessment] = {}
        self._open: dict[EndpointKey, Change] = {}
        self._steps: deque[str] = deque(maxlen=STEPS_SHOWN)
        self._drawn_s = 0.0
        self._looks = 0

    def __enter__(self) -> "LiveTable":
        self._live.start()
        self._live.update(Text("reading two weeks of history …", style="dim"), refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def looked(self, assessment: Assessment) -> None:
        """Update a row."""
        self._rows[assessment.key] = assessment
        self._looks += 1
        self._draw()

    def decided(self, assessment: Assessment) -> None:
        """Rows show decisions already; only a change to come is worth a line."""
        if isinstance(assessment.decision, Propose):
            words = decision_words(assessment)
            self._steps.append(line(assessment.at_s, assessment.key, *words))

    def moved(self, change: Change, event: ChangeEvent) -> None:
        """A step of a change."""
        if change.phase.open:
            self._open[change.key] = change
        else:
            self._open.pop(change.key, None)
        self._steps.append(line(event.at_s, change.key, *step_words(change, event)))

    def probed(self, record: ProbeRecord) -> None:
        """What a copy showed."""
        self._steps.append(line(*probe_words(record)))

    def happened(self, at_s: float, what: str) -> None:
        """Somebody else."""
        self._steps.append(guest_line(at_s, what))

    def _draw(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._drawn_s < FRAME_S:
            return
        self._drawn_s = now_s
        self._live.update(Group(self._table(), Text(), *self._below()), refresh=True)

    def _table(self) -> Table:
        now_s = self._stage.clock.now_s()
        hours = (now_s - self._stage.world.start_s) / HOUR_S
        table = Table(
            title=f"{date_time(now_s)} UTC in the sandbox, after {hours:.1f} hours and"
            f" {counted(self._looks, 'look')}",
            title_justify="left",
            title_style="",
            box=None,
            pad_edge=False,
            padding=(0, 2, 0, 0),
            header_style="bold",
            expand=True,
        )
        table.add_column("ENDPOINT", no_wrap=True)
        table.add_column("SIZE", no_wrap=True)
        table.add_column("P95 / SLO MS", justify="right", no_wrap=True)
        table.add_column("USD/MONTH", justify="right", no_wrap=True)
        if self._wide:
            table.add_column("STATE", no_wrap=True)
        table.add_column("LAST DECISION", no_wrap=True, overflow="ellipsis", ratio=1)
        for key in sorted(self._rows):
            table.add_row(*self._row(self._rows[key]))
        return table

    def _row(self, seen: Assessment) -> list[Text]:
        change = self._open.get(seen.key)
        reason, detail = decision_words(seen)
        return [
            Text(seen.key.name),
            Text(_size(seen, change), style="yellow" if change else ""),
            _latency(seen, self._slo_ms[seen.policy]),
            Text(_cost(seen)),
            *([Text(*_state(change))] if self._wide else []),
            Text(printable(f"{reason}: {detail}"), style="" if change else "dim"),
        ]

    def _below(self) -> list[Text]:
        return [Text(printable(step), no_wrap=True, overflow="ellipsis") for step in self._steps]


def _size(seen: Assessment, change: Change | None) -> str:
    if change is not None:
        probing = change.reason is Reason.PROBING
        return change.detail if probing else size_arrow(change.before, change.target)
    if seen.state is None:
        return "?"
    now = seen.state.size
    wanted = seen.wanted.proposal.target if isinstance(seen.wanted, Propose) else now
    return size_arrow(now, wanted)


def _cost(seen: Assessment) -> str:
    current = current_candidate(seen)
    cost = Missing("no estimate") if current is None else current.estimate.usd_per_month
    return "?" if isinstance(cost, Missing) else usd(cost.mid)


def _latency(seen: Assessment, slo_ms: float) -> Text:
    if isinstance(seen.slo, Missing):
        return Text(f"? / {number(slo_ms)}", style="dim")
    p95_ms = seen.slo.p95_ms
    shown = "?" if isinstance(p95_ms, Missing) else number(p95_ms)
    return Text(f"{shown} / {number(slo_ms)}", style=_SLO_STYLES[seen.slo.attainment])


def _state(change: Change | None) -> tuple[str, str]:
    return ("holds", "dim") if change is None else (change.phase.value, "yellow")
