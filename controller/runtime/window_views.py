"""Samples as one tick looks at them."""

from collections.abc import Sequence

from controller.core.periods import HOUR_S, align_down
from controller.core.probe_traffic import judged
from controller.model.endpoint import EndpointState
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.size import measured_as
from controller.model.window import WindowSet
from controller.runtime.book import observation
from controller.runtime.roster import Entry
from controller.runtime.samples import Samples


def windows_of(
    samples: Samples, live: Sequence[Observation], entry: Entry, now_s: float
) -> WindowSet:
    """What a tick sees of the traffic; the SLO is judged by its recent part."""
    recent, slo = samples.recent, entry.policy.slo
    if entry.policy.probe is not None:
        recent = judged(recent, live, slo, entry.key.kind, now_s)
    return WindowSet(
        read_at_s=samples.read_at_s,
        recent=recent,
        hourly=samples.hourly,
        by_version={},
        memory_use=Missing("kept with the evidence"),
    )


def recent_rows(
    samples: Samples, state: EndpointState, era: str, since_s: float
) -> tuple[Observation, ...]:
    """Five-minute windows that no hourly row covers yet, as evidence."""
    if not samples.recent:
        return ()
    hour_s = align_down(samples.recent[-1].end_s, HOUR_S)
    start_s = max(since_s, min(hour_s, samples.hourly_end_s or hour_s))
    rows = (
        observation(w, measured_as(state.size), era, "recent")
        for w in samples.recent
        if w.start_s >= start_s
    )
    return tuple(row for row in rows if row is not None)
