"""The demo as plain lines: one per decision that changed, one per step in the journal."""

from collections.abc import Callable
from datetime import UTC, datetime

from controller.core.probe_cost import money
from controller.demo.stage import Stage
from controller.model.change import Change, ChangeEvent
from controller.model.decision import Assessment, Hold
from controller.model.endpoint import EndpointKey
from controller.model.missing import Missing
from controller.model.probe import ProbeRecord
from controller.model.reason import Reason

NAME_WIDTH, WORD_WIDTH = 18, 16


class Nobody:
    """Does not listen."""

    def looked(self, assessment: Assessment) -> None:
        """Nothing."""

    def decided(self, assessment: Assessment) -> None:
        """Nothing."""

    def moved(self, change: Change, event: ChangeEvent) -> None:
        """Nothing."""

    def probed(self, record: ProbeRecord) -> None:
        """Nothing."""

    def happened(self, at_s: float, what: str) -> None:
        """Nothing."""


class Lines(Nobody):
    """Tells each event in a line."""

    def __init__(self, write: Callable[[str], None], stage: Stage) -> None:
        self._write = write
        now_s = stage.clock.now_s()
        functions, endpoints = len(stage.client.functions()), len(stage.client.endpoints())
        write(
            f"{date_time(now_s)} UTC in the sandbox at {stage.url}: "
            f"{functions} functions and {endpoints} endpoints with two weeks of history"
        )

    def decided(self, assessment: Assessment) -> None:
        """Holds while a change is under way are left out: its steps say it better."""
        decision = assessment.decision
        if not (isinstance(decision, Hold) and decision.reason is Reason.CHANGE_IN_PROGRESS):
            self._write(line(assessment.at_s, assessment.key, *decision_words(assessment)))

    def moved(self, change: Change, event: ChangeEvent) -> None:
        """A step, with the phase it belongs to."""
        self._write(line(event.at_s, change.key, *step_words(change, event)))

    def probed(self, record: ProbeRecord) -> None:
        """What a copy showed."""
        self._write(line(*probe_words(record)))

    def happened(self, at_s: float, what: str) -> None:
        """Somebody else."""
        self._write(guest_line(at_s, what))


def line(at_s: float, key: EndpointKey, word: str, text: str) -> str:
    """`Mon 08:00  checkout-ocr        CheaperSize       3008 MB -> 1472 MB, …`."""
    return f"{clock_time(at_s)}  {key.name:<{NAME_WIDTH}}  {word:<{WORD_WIDTH}}  {text}"


def clock_time(at_s: float) -> str:
    """`Mon 08:00`."""
    return f"{datetime.fromtimestamp(at_s, UTC):%a %H:%M}"


def date_time(at_s: float) -> str:
    """`Mon 2 Nov 2026 08:00`."""
    at = datetime.fromtimestamp(at_s, UTC)
    return f"{at:%a} {at.day} {at:%b %Y %H:%M}"


def decision_words(assessment: Assessment) -> tuple[str, str]:
    """The reason, and what is said about it."""
    decision = assessment.decision
    if isinstance(decision, Hold):
        return decision.reason.value, decision.detail
    return decision.proposal.reason.value, decision.proposal.detail


def step_words(change: Change, event: ChangeEvent) -> tuple[str, str]:
    """The phase, and the step without the endpoint's name, which the line has already."""
    prefix = f"{event.phase}: {change.key.short} "
    text = event.message.removeprefix(prefix)
    if text == event.message:
        verb = event.what.partition(" ")[0]
        text = text if verb == "done" else f"{event.what}: {text}"
    return event.phase.value, text


def probe_words(record: ProbeRecord) -> tuple[float, EndpointKey, str, str]:
    """When, of whom, `Probed`, and what came of it: `ml.c5.large: p95 84 ms, for 0.026 USD`."""
    p95, usd = record.p95_ms, record.usd
    told = record.detail if isinstance(p95, Missing) else f"p95 {p95:.0f} ms"
    cost = "" if isinstance(usd, Missing) else f", for {money(usd)} USD"
    at_s = record.started_at_s if record.ended_at_s is None else record.ended_at_s
    counts = f"{record.requests:,} requests"
    return at_s, record.key, "Probed", f"a copy with {record.size}: {counts}, {told}{cost}"


def guest_line(at_s: float, what: str) -> str:
    """What somebody else did, from the world's words for it: `release: search-rerank`."""
    who, _, name = what.partition(": ")
    words = {
        "release": "somebody releases new code",
        "endpoint_terraform": "somebody's Terraform puts its own configuration back",
    }
    return f"{clock_time(at_s)}  {name:<{NAME_WIDTH}}  ({words.get(who, who)})"
