"""What `probe` and `tune` share: the price asked about, the run watched, the copy put away."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from controller.cli.apply import confirm
from controller.cli.exits import CommandError
from controller.cli.interrupts import Interrupts
from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.model.missing import Maybe
    from controller.model.probe import ProbeRecord
    from controller.model.probing import ProbeBudget
    from controller.probes.runner import LocustRunner
    from controller.runtime.probe_parts import Asked

LINE_EVERY_S = 5.0


def ask(session: Session, question: str, *, yes: bool) -> None:
    """Raises CommandError unless the answer is yes."""
    if not yes:
        confirm(session, question)


def refuse_price(usd: "Maybe[float]", spent: float, budget: "ProbeBudget") -> None:
    """Raises CommandError where a budget is in the way."""
    from controller.core.probe_cost import over_budget

    why = over_budget(usd, spent, budget)
    if why is not None:
        raise CommandError(f"nothing was sent: {why} (probe.budget of the policy, or --max-usd)")


@contextmanager
def watching(
    session: Session, runner: "LocustRunner", asked: "Sequence[Asked]"
) -> "Iterator[Callable[[Sequence[ProbeRecord], bool], None]]":
    """Shows how far a probe is: a bar on a terminal, a line every few seconds elsewhere.

    Ctrl-C, a hang-up and a request to terminate end the probe and have its copy removed; what
    comes after the first of them is ignored, so that the removal is not broken off.
    """
    with Interrupts():
        if session.err.isatty():
            with _bar(session, runner, asked) as watcher:
                yield watcher
        else:
            yield _Lines(session, runner, asked)


class _Lines:
    """Plain lines: what begins, what has been sent, what is put away."""

    def __init__(self, session: Session, runner: "LocustRunner", asked: "Sequence[Asked]") -> None:
        self._session, self._runner, self._asked = session, runner, asked
        self._said_s = -1e9
        self._last = ""

    def __call__(self, records: "Sequence[ProbeRecord]", ended: bool) -> None:
        now_s = self._session.clock.monotonic_s()
        line = stage_words(self._runner, self._asked, records, ended=ended)
        if line == self._last or now_s < self._said_s + LINE_EVERY_S:
            return
        self._last, self._said_s = line, now_s
        self._session.say(line)


def stage_words(
    runner: "LocustRunner",
    asked: "Sequence[Asked]",
    records: "Sequence[ProbeRecord]",
    *,
    ended: bool,
) -> str:
    """Where probes are, in a line."""
    sizes = ", ".join(str(one.order.size) for one in asked)
    if ended:
        return f"{sizes}: putting away"
    told = [p for record in records if (p := runner.progress(record.id)) is not None]
    if not told:
        return f"{sizes}: preparing"
    failed = sum(p.failed for p in told)
    of = f"{sizes}: {sum(p.requests for p in told):,} of about {_expected(asked):,.0f} requests"
    return f"{of}, {failed:,} failed" if failed else of


def _expected(asked: "Sequence[Asked]") -> float:
    return sum(one.order.requests for one in asked)


@contextmanager
def _bar(
    session: Session, runner: "LocustRunner", asked: "Sequence[Asked]"
) -> "Iterator[Callable[[Sequence[ProbeRecord], bool], None]]":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=session.err, no_color=not session.settings.color, highlight=False)
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=max(_expected(asked), 1.0))

        def watcher(records: "Sequence[ProbeRecord]", ended: bool) -> None:
            told = [p.requests for r in records if (p := runner.progress(r.id)) is not None]
            words = stage_words(runner, asked, records, ended=ended)
            done = _expected(asked) if ended else sum(told)
            bar.update(task, description=words, completed=done)

        yield watcher
