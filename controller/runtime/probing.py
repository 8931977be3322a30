"""Probes under way: each is taken one short step at a time, so that no worker waits for one.

make the shadow -> start the generator -> look whether it has ended -> record -> remove the
shadow. What a crash leaves is in the journal: open records are closed at the next start, and
shadows are swept; a probe is never resumed, for its samples died with its generator.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace

import structlog

from controller.core.periods import DAY_S
from controller.core.probe_cost import END_S
from controller.model.endpoint import EndpointKey, EndpointState, Kind
from controller.model.errors import AdapterError, Conflict, Retryable, StoreError, Throttled
from controller.model.policy import Scope
from controller.model.probe import (
    ProbeKind,
    ProbeOutcome,
    ProbeRecord,
    ProbeRun,
    Shadow,
    ShadowPhase,
)
from controller.runtime.probe_parts import (
    Asked,
    Ended,
    OpenProbe,
    ProbeParts,
    begun,
    broken_off,
    ended_sentence,
    live_target,
    words,
)
from controller.runtime.probe_plans import plan_of
from controller.runtime.probe_results import closed, found_in, rows_of

STEP_S = 1.0
"""How often a probe under way is looked at."""
MAKING_S = 1500.0
"""A copy that does not serve by then is given up: real-time endpoints take minutes."""
ATTEMPTS = 10
"""Failed calls to remove a copy, after which it is left to the sweeper."""


class Probes:
    """All probes of this process. Safe from several threads; one of them steps at a time."""

    def __init__(self, parts: ProbeParts) -> None:
        self._at = parts
        self._open: dict[str, OpenProbe] = {}
        self._lock = threading.Lock()
        self._stepping = threading.Lock()
        self._log = structlog.get_logger("rightsizer")

    def begin(self, asked: Asked) -> ProbeRecord:
        """Journal a probe and let it begin.

        Raises Conflict where one of the endpoint is under way, or too many in all; StoreError.
        """
        now_s = self._at.clock.now_s()
        with self._lock:
            same = sum(1 for probe in self._open.values() if probe.asked.key == asked.key)
            if same >= self._at.most_each:
                raise Conflict(f"A probe of {asked.key.short} is under way.")
            if len(self._open) >= self._at.most:
                raise Conflict(f"{len(self._open)} probes are under way, which is the limit.")
            shadow = None
            if asked.order.kind is ProbeKind.SHADOW:
                lifetime_s = MAKING_S + asked.probing.time_limit_s + 600.0
                shadow = self._at.shadows.begin(
                    asked.key, asked.scope, asked.order.size, lifetime_s
                )
            record = begun(asked, shadow, now_s)
            self._open[record.id] = OpenProbe(asked, record, now_s, shadow)
            self._at.store.put_probe(record)
        self._log.info(
            f"probe: {asked.key.short} {words(asked)} begins",
            endpoint=str(asked.key),
            probe=record.id,
        )
        return record

    def of(self, key: EndpointKey) -> ProbeRecord | None:
        """The probe of an endpoint that is under way."""
        with self._lock:
            return next((p.record for p in self._open.values() if p.asked.key == key), None)

    def now_s(self) -> float:
        """The clock's time."""
        return self._at.clock.now_s()

    def era(self, state: EndpointState) -> str:
        """Names the code that a state runs."""
        return self._at.rules[state.key.kind].era(state)

    def recent(self, key: EndpointKey, span_s: float) -> Sequence[ProbeRecord]:
        """An endpoint's probes of the last so many seconds, newest first."""
        return self._at.store.probes(key, since_s=self.now_s() - span_s)

    def newest(self, key: EndpointKey, kind: ProbeKind) -> ProbeRecord | None:
        """The last one of a kind that was begun."""
        return next((p for p in self.recent(key, 30 * DAY_S) if p.kind is kind), None)

    def busy(self) -> bool:
        """Whether any probe is under way."""
        with self._lock:
            return bool(self._open)

    def due_s(self) -> float | None:
        """When to step next; None while nothing is under way."""
        return self._at.clock.now_s() + STEP_S if self.busy() else None

    def step(self) -> list[Ended]:
        """Take every probe one step on; those that ended. Raises StoreError."""
        if not self._stepping.acquire(blocking=False):
            return []
        try:
            with self._lock:
                probes = list(self._open.values())
            ended = [done for probe in probes if (done := self._step(probe)) is not None]
            with self._lock:
                through = {name for name, probe in self._open.items() if probe.through}
                free = {self._open.pop(name).asked.key for name in through}
            for key in sorted(free):
                self._at.freed(key)
            return ended
        finally:
            self._stepping.release()

    def stop(self, probe_id: str) -> None:
        """End a probe early; its samples so far count, and its shadow is removed."""
        with self._lock:
            probe = self._open.get(probe_id)
        if probe is not None:
            probe.stopped = True
            if probe.plan is not None:
                self._at.runner.stop(probe_id)

    def recover(self, age_s: float = 0.0) -> None:
        """Close the records of so old probes that a life before left open; remove its shadows."""
        now_s = self._at.clock.now_s()
        for record in self._at.store.probes(since_s=now_s - 7 * DAY_S):
            # What a command left is dead when it is old; what a daemon left, when another starts.
            ours = record.actor == "controller" or age_s > 0.0
            # A mirrored one is a change, which is seen through whoever began it.
            ours = ours and record.kind is not ProbeKind.MIRRORED
            left = record.ended_at_s is None and ours and self._at.shadows.mine(record.key)
            if left and record.id not in self._open and record.started_at_s <= now_s - age_s:
                detail = "the controller ended before the probe did"
                self._at.store.put_probe(broken_off(record, now_s, detail))
        self.sweep()

    def sweep(self, strays: Sequence[tuple[Scope, Kind]] = ()) -> bool:
        """Take what shadows are left of earlier lives a step nearer to their end; True while
        some are on their way. `strays`: also look there by tags, for copies of that kind.
        """
        swept = self._at.shadows.sweep()
        for shadow in swept.removed:
            self._log.info(f"removed what was left of shadow {shadow.id}")
            self._close_left(shadow)
        for name, error in swept.troubles:
            self._log.warning(f"shadow {name} could not be removed yet: {error}")
        looked = [self._at.shadows.sweep_strays([scope], [kind]) for scope, kind in strays]
        for shadow in (one for found in looked for one in (*found.removed, *found.going)):
            self._log.info(f"shadow {shadow.id}, which no journal knew of, is removed")
        return bool(swept.going) or any(found.going for found in looked)

    def _close_left(self, shadow: Shadow) -> None:
        """A probe whose copy was left behind has died with whoever made it."""
        for record in self._at.store.probes(shadow.key, since_s=shadow.created_at_s - 1.0):
            left = record.id == shadow.id and record.ended_at_s is None
            if left and record.id not in self._open:
                detail = "whoever made the probe ended before it did"
                self._at.store.put_probe(broken_off(record, self._at.clock.now_s(), detail))

    def leave(self) -> None:
        """End all probes, for nobody may come after us: no more is sent, and each copy is asked to
        go, by one call. What is left of it, or cannot go yet, the next start removes."""
        self._at.runner.close()
        with self._lock:
            copies = [probe.shadow for probe in self._open.values() if probe.shadow is not None]
        for shadow in copies:
            try:
                self._at.shadows.end(shadow)
            except AdapterError as error:
                self._log.warning(f"shadow {shadow.id} is left to the next start: {error}")

    def close(self) -> None:
        """End all generators."""
        self._at.runner.close()

    def _step(self, probe: OpenProbe) -> Ended | None:
        """One step of one probe; what AWS refuses ends it."""
        try:
            if probe.recorded:
                self._remove(probe)
                return None
            if probe.plan is None:
                self._prepare(probe)
                return None
            # kept: where the journal cannot take it now, it is asked again
            probe.run = probe.run or self._at.runner.poll(probe.record.id)
            return None if probe.run is None else self._record(probe, probe.run)
        except (Retryable, Throttled) as error:
            if self._at.clock.now_s() < probe.begun_at_s + MAKING_S:
                return None
            return self._record(probe, self._failure(probe, str(error)))
        except StoreError:
            raise
        except AdapterError as error:
            return self._record(probe, self._failure(probe, str(error)))
        except Exception as error:
            # a defect of ours in one probe must keep neither the others nor the sweeper from theirs
            self._log.exception("a probe failed", probe=probe.record.id)
            self._break_off(probe, f"an unexpected {type(error).__name__}: see the log")
            return None

    def _break_off(self, probe: OpenProbe, why: str) -> None:
        """Have no more to do with a probe; its copy is the sweeper's."""
        self._at.runner.stop(probe.record.id)
        if not probe.recorded:
            record = broken_off(probe.record, self._at.clock.now_s(), why)
            self._at.store.put_probe(record)
            self._at.counted(ProbeOutcome.FAILED, record.requests, record.usd)
        if probe.shadow is not None:
            self._at.shadows.release(probe.shadow)
        probe.recorded, probe.shadow = True, None

    def _prepare(self, probe: OpenProbe) -> None:
        """Make the copy, a step at a time; once it serves, start the generator."""
        asked, now_s = probe.asked, self._at.clock.now_s()
        if probe.stopped:
            raise Conflict("It was stopped before it began to send.")
        target = live_target(asked)
        if probe.shadow is not None:
            if probe.shadow.phase is not ShadowPhase.READY:
                probe.shadow = self._at.shadows.make(probe.shadow, asked.state)
            if probe.shadow.phase is not ShadowPhase.READY:
                if now_s > probe.begun_at_s + MAKING_S:
                    raise Conflict(f"The copy did not serve within {MAKING_S / 60:.0f} minutes.")
                return
            target = self._at.shadows.target(probe.shadow)
        bodies = self._at.bodies(asked.probing, asked.scope)
        plan = plan_of(asked.order, asked.probing, target, bodies, era=asked.era, slo=asked.slo)
        self._at.runner.start(probe.record.id, plan)
        probe.plan = plan

    def _record(self, probe: OpenProbe, run: ProbeRun) -> Ended:
        """The run is through: what it found and cost is in the journal on return."""
        asked = probe.asked
        found = found_in(run, asked.key.kind, asked.slo.covers)
        now_s = self._at.clock.now_s()
        standing_s = 0.0 if probe.shadow is None else now_s - probe.begun_at_s + END_S
        record = closed(probe.record, run, found, asked.rate, standing_s)
        rows = () if probe.plan is None else rows_of(probe.plan, run, found, asked.slo)
        rows = rows if self._same_code(asked) else ()
        self._at.store.put_probe(record)
        if rows:
            self._at.learn(asked.key, rows, now_s)
        probe.record, probe.recorded = record, True
        assert record.outcome is not None
        self._at.counted(record.outcome, record.requests, record.usd)
        ended = Ended(asked, record, run, found, tuple(rows))
        self._at.ended(ended)
        self._log.info(ended_sentence(ended), endpoint=str(asked.key), probe=record.id)
        return ended

    def _same_code(self, asked: Asked) -> bool:
        """Whether the endpoint still runs the code that was copied; else nothing was learnt."""
        try:
            state = self._at.adapters[asked.key.kind].observe(asked.scope, asked.key)
        except AdapterError:
            return False
        return self._at.rules[asked.key.kind].era(state) == asked.era

    def _remove(self, probe: OpenProbe) -> None:
        """One step of removing the copy; after many refusals it is left to the sweeper."""
        shadow = probe.shadow
        if shadow is None:
            return
        try:
            gone = self._at.shadows.end(shadow)
            probe.shadow = None if gone else replace(shadow, phase=ShadowPhase.REMOVING)
        except AdapterError as error:
            probe.attempts += 1
            if probe.attempts >= ATTEMPTS:
                self._log.warning(f"shadow {shadow.id} is left to the sweeper: {error}")
                self._at.shadows.release(shadow)
                probe.shadow = None

    def _failure(self, probe: OpenProbe, why: str) -> ProbeRun:
        now_s = self._at.clock.now_s()
        return ProbeRun(ProbeOutcome.FAILED, why.rstrip("."), probe.begun_at_s, now_s)
