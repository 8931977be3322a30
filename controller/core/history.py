"""What the journal teaches: cooldowns, quarantined sizes, and whether somebody else is at work."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from controller.model.change import Change, ChangePhase, Verdict
from controller.model.decision import Hold
from controller.model.estimate import Rejection
from controller.model.policy import Cadence
from controller.model.reason import Reason
from controller.model.size import (
    RealtimeSize,
    ServerlessSize,
    Size,
    at_least,
    at_most,
    in_order,
    lessens,
    measured_as,
)

SETTLE_S = 120.0
"""After a change every environment starts cold: the first two minutes are not judged."""
QUARANTINE_S = 86_400.0
"""A size that failed is left alone for a day, and twice as long each further time."""
QUARANTINE_LIMIT_S = 30 * 86_400.0
MEASURED_S = 14 * 86_400.0
"""A memory size that was too slow for all of the traffic is no worse known than one that was
measured: believed for as long as measurements are, and no longer than the code lives."""
DRIFT_HOLD_S = 21_600.0
"""After somebody else's change: time for them to finish."""
OWNER_CONFLICT_S = 7 * 86_400.0
"""A size that was put back against us twice within this time has another owner."""
MEMORY_LIMIT = "memory_limit_mb"
"""Under which a change remembers the most memory (MB) that AWS gives here."""
_FAILED_REASONS = {Reason.MADE_WORSE, Reason.NO_BENEFIT}


def final_size(change: Change) -> Size | None:
    """The size a closed change left behind; None where it does not know."""
    if change.phase.stays:
        return change.target
    if change.phase is ChangePhase.ROLLED_BACK:
        return change.before
    return None


def last_ended(changes: Sequence[Change]) -> Hold | None:
    """Why the newest closed change ended as it did; `changes` are newest first."""
    closed = next((c for c in changes if not c.phase.open and c.verdict is not None), None)
    if closed is None or closed.verdict is None:
        return None
    arrow = f"{closed.before} -> {closed.target}"
    return Hold(closed.verdict.reason, f"{arrow} {closed.phase}: {closed.verdict.detail}")


def is_decrease(change: Change) -> bool:
    """Whether the change aims at less."""
    return lessens(change.before, change.target)


def quarantined(
    changes: Sequence[Change], sizes: Sequence[Size], now_s: float, code_since_s: float = 0.0
) -> Mapping[Size, tuple[Rejection, str]]:
    """Sizes to leave alone, with the reason in words; `code_since_s` is since when the code (or
    its speed) is as it is now.

    A decrease that made things worse bars its target, everything below it and half of the way
    to it: the next rung would hardly do better. A climb that brought nothing bars every
    larger size; a climb out of a breach bars what it left. Where traffic was too thin to
    judge, all sizes on that side are barred, and where AWS could not carry out the update,
    all are; where it named the most memory that it gives here, what is above that, for a
    month. The time doubles with every repetition of the same kind.
    """
    barred: dict[Size, tuple[Rejection, str]] = {}
    for span in sorted(_spans(changes), key=lambda s: s.until_s):
        outdated = span.lesson.of_the_code and span.learnt_at_s < code_since_s
        if span.until_s <= now_s or outdated:
            continue
        left_h = (span.until_s - now_s) / 3600.0
        for size in span.inside(sizes):
            barred[size] = (span.lesson.rejection, f"{span.why}; for {left_h:.0f} h more")
    return barred


@dataclass(frozen=True, slots=True)
class _Span:
    lesson: "_Lesson"
    downwards: bool
    learnt_at_s: float
    until_s: float

    @property
    def why(self) -> str:
        return self.lesson.why

    def inside(self, sizes: Sequence[Size]) -> list[Size]:
        """The sizes that are left alone."""
        if self.lesson.instance_type is not None:
            return [size for size in sizes if _type(size) == self.lesson.instance_type]
        edge, start = self.lesson.edge, self.lesson.half_way_from
        if start is not None:
            kin = [size for size in sizes if _type(size) == _type(edge)]
            between = sorted(
                (s for s in kin if not at_most(s, edge) and lessens(start, s)), key=in_order
            )
            edge = between[(len(between) - 1) // 2] if between else edge
        return [
            size
            for size in sizes
            if (at_most(size, edge) if self.downwards else at_least(size, edge))
        ]


def _spans(changes: Sequence[Change]) -> list[_Span]:
    """The spans of every lesson, oldest first, each longer than the last of its kind."""
    spans: list[_Span] = []
    times: dict[str, int] = {}
    for change in sorted(changes, key=lambda c: c.planned_at_s):
        lesson = None if change.finished_at_s is None else _lesson(change)
        if lesson is None or change.finished_at_s is None:
            continue
        repeated = times.get(lesson.kind, 0)
        times[lesson.kind] = repeated + 1
        least_s = lesson.least_s * 2.0**repeated
        until_s = change.finished_at_s + min(least_s, QUARANTINE_LIMIT_S)
        at_s = change.finished_at_s
        spans += [_Span(lesson, down, at_s, until_s) for down in lesson.downwards]
    return spans


@dataclass(frozen=True, slots=True)
class _Lesson:
    kind: str
    edge: Size
    downwards: tuple[bool, ...]
    """Which sides of the edge are barred: True everything below, False everything above."""
    why: str
    half_way_from: Size | None = None
    """Where the change came from, if half of the way is barred too."""
    instance_type: str | None = None
    """Set where it is the instance type that failed: of other types nothing is known by it."""
    rejection: Rejection = Rejection.QUARANTINED
    least_s: float = QUARANTINE_S
    of_the_code: bool = False
    """Whether it was measured: another code may be faster."""


def _lesson(change: Change) -> _Lesson | None:
    verdict, target = change.verdict, change.target
    if change.phase is ChangePhase.ROLLED_BACK and verdict is not None:
        tried = f"the last try: {verdict.detail}"
        if _type(target) != _type(change.before):
            return _of_type(change, verdict, tried)
        if MEMORY_LIMIT in change.progress:
            return _limit(target, int(change.progress[MEMORY_LIMIT]))
        if verdict.reason is Reason.UPDATE_FAILED:
            return _Lesson("vain", change.before, (True, False), tried)
        if verdict.reason is Reason.TOO_FEW_SAMPLES:
            down = is_decrease(change)
            return _Lesson("thin-down" if down else "thin-up", change.before, (down,), tried)
        if verdict.reason in _FAILED_REASONS and _slower(change):
            why = f"{target} made things worse"
            return _Lesson("slow", target, (True,), why, least_s=MEASURED_S, of_the_code=True)
        if verdict.reason in _FAILED_REASONS and is_decrease(change):
            return _Lesson("down", target, (True,), f"{target} made things worse", change.before)
        if verdict.reason in _FAILED_REASONS:
            return _Lesson("up", change.before, (False,), f"{target} brought no benefit")
    if change.phase.stays and change.reason is Reason.SLO_BREACHED:
        return _Lesson("left", change.before, (True,), f"{change.before} broke the SLO")
    return None


def _slower(change: Change) -> bool:
    """Whether less memory was tried with all of the traffic, as serverless endpoints do."""
    one, other = change.before, change.target
    serverless = isinstance(one, ServerlessSize) and isinstance(other, ServerlessSize)
    return serverless and is_decrease(change) and measured_as(one) != measured_as(other)


def _limit(target: Size, limit_mb: int) -> _Lesson | None:
    """AWS has said how much it gives: what is above is no size at all, not one that failed."""
    if isinstance(target, RealtimeSize):
        return None
    return _Lesson(
        "limit",
        replace(target, memory_mb=limit_mb + 1),
        (False,),
        f"AWS gives at most {limit_mb} MB here",
        rejection=Rejection.ABOVE_BOUNDS,
        least_s=QUARANTINE_LIMIT_S,
    )


def _of_type(change: Change, verdict: Verdict, tried: str) -> _Lesson | None:
    """Another instance type that AWS has none of, or that was worse, is left alone by itself."""
    learnt = {Reason.UPDATE_FAILED, Reason.TOO_FEW_SAMPLES, *_FAILED_REASONS}
    if verdict.reason not in learnt:
        return None
    name = _type(change.target)
    return _Lesson(f"type {name}", change.target, (True,), tried, instance_type=name)


def _type(size: Size) -> str | None:
    return size.instance_type if isinstance(size, RealtimeSize) else None


def cooldown_until_s(
    changes: Sequence[Change], target: Size, current: Size, cadence: Cadence
) -> float | None:
    """When the next change towards `target` may begin; None where nothing was changed yet."""
    wait_s = cadence.cooldown_down_s if lessens(current, target) else cadence.cooldown_up_s
    ends = [
        c.finished_at_s
        for c in changes
        if c.finished_at_s is not None and c.phase is not ChangePhase.FAILED
    ]
    return max(ends) + wait_s if ends else None


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whether the live size is the one we left, and since when somebody else decides."""

    foreign: bool
    conflict: bool
    until_s: float | None
    detail: str


def ownership(
    changes: Sequence[Change],
    live: Size,
    changed_at_s: float,
    accepted_at_s: float | None,
    now_s: float,
) -> Ownership:
    """Compare the live size with what the journal says we left behind.

    `changes` are newest first; `changed_at_s` is since when the live size serves, settling
    time left out. `accepted_at_s` is when a person last said that the present state is fine
    (`resume`); what was before it is not held against anybody. Somebody who undid a change
    of ours while it was under way counts as one who undid it afterwards.
    """
    since_s = max(now_s - OWNER_CONFLICT_S, accepted_at_s or 0.0)
    closed = [c for c in changes if final_size(c) is not None and c.finished_at_s is not None]
    crossed = [c for c in changes if (c.finished_at_s or 0.0) > since_s and _crossed(c)]
    left = final_size(closed[0]) if closed else live
    moved = live != left and changed_at_s > (accepted_at_s or -math.inf)
    if not moved and not crossed:
        return Ownership(False, False, None, "")
    crossed_at_s = max((c.finished_at_s or 0.0 for c in crossed), default=0.0)
    times = _reverts(closed, crossed, since_s) + len(crossed)
    if moved and changed_at_s > crossed_at_s and (closed[0].finished_at_s or 0.0) >= since_s:
        times += 1
    at_s = max(changed_at_s, crossed_at_s) if moved else crossed_at_s
    detail = f"somebody changed {left} to {live}" if moved else _words(crossed[0])
    if times >= 2:
        again = f"{detail}, as happened {times} times in a week; `resume` hands it back to us"
        return Ownership(True, True, at_s + OWNER_CONFLICT_S, again)
    return Ownership(True, False, at_s + DRIFT_HOLD_S, detail)


def _crossed(change: Change) -> bool:
    """Whether somebody else undid the change while it was under way."""
    verdict = change.verdict
    return "asked" in change.progress and (
        verdict is not None and verdict.reason is Reason.FOREIGN_CHANGE
    )


def _words(change: Change) -> str:
    detail = "" if change.verdict is None else f": {change.verdict.detail}"
    return f"somebody else was at work during our change to {change.target}{detail}"


def _reverts(closed: Sequence[Change], crossed: Sequence[Change], since_s: float) -> int:
    """How often a change had to start from a size other than the one that we had left,
    where no crossed change in between tells of the same."""
    return sum(
        1
        for newer, older in pairwise(closed)
        if newer.planned_at_s >= since_s
        and newer.before != final_size(older)
        and not any(older.planned_at_s < c.planned_at_s <= newer.planned_at_s for c in crossed)
    )


def verified_since(changes: Sequence[Change], since_s: float) -> list[Change]:
    """Changes that stayed and were planned at or after an instant, newest first."""
    kept = [c for c in changes if c.phase.stays and c.planned_at_s >= since_s]
    return sorted(kept, key=lambda c: c.planned_at_s, reverse=True)
