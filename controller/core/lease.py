"""Who may act: the rule by which replicas share one lease, as values.

Every replica reads the same record and judges it by its own monotonic clock:

- The **holder** may act until `duration - margin` after the instant at which it *began* its
  last successful write.
- **Another** may take the record once it has itself seen it unchanged for the duration that
  stands in it, or at once where it was given back.

A write is seen only after it was begun, so the second instant is always later than the
first, whatever the clocks say, as long as they run at the same speed to within
margin / duration (a tenth, by the defaults). No instant of one machine is ever compared with
one of another. (Kubernetes' client-go observes in the same way:
https://pkg.go.dev/k8s.io/client-go/tools/leaderelection.)

Writes compare and swap, so of two that take the same record one succeeds. What cannot be
excluded is a process that is stopped between its last look at the clock and the moment its
request leaves; there the term fences the journal, and AWS's own optimistic locks the rest.
"""

from dataclasses import dataclass, replace

from controller.model.lease import NOBODY, LeaseRecord, LeaseTimes


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one replica knows. All instants are of its own monotonic clock."""

    me: str
    times: LeaseTimes
    looked: bool = False
    """Whether the record was ever read; before that nothing may be taken."""
    seen: LeaseRecord | None = None
    seen_since_s: float = 0.0
    """When the record was first seen as it is."""
    term: int | None = None
    """The term under which it is ours; None while it is not."""
    until_s: float = 0.0
    """Until when we may act."""


def remaining_s(candidate: Candidate, now_s: float) -> float:
    """For how long this replica may still act; 0 where it may not."""
    if candidate.term is None:
        return 0.0
    return max(0.0, candidate.until_s - now_s)


def look(candidate: Candidate, record: LeaseRecord | None, now_s: float) -> Candidate:
    """The record as just read. `now_s`: after the answer came."""
    known = candidate.looked and record == candidate.seen
    ours = record is not None and (record.holder, record.term) == (candidate.me, candidate.term)
    return replace(
        candidate,
        looked=True,
        seen=record,
        seen_since_s=candidate.seen_since_s if known else now_s,
        term=candidate.term if ours else None,
        until_s=candidate.until_s if ours else 0.0,
    )


def free_in_s(candidate: Candidate, now_s: float) -> float:
    """How long until this replica may write the record, if nobody else does."""
    record = candidate.seen
    if record is None or record.holder in {NOBODY, candidate.me}:
        return 0.0
    return max(0.0, candidate.seen_since_s + record.duration_s - now_s)


def wanted(candidate: Candidate, now_s: float, newest_term: int = 0) -> LeaseRecord | None:
    """What to write now, if it is ours to write: a renewal, or a taking under a new term.

    Args:
        candidate: having looked.
        now_s: this moment, or an earlier one.
        newest_term: the newest that the journal has seen. A record that was deleted and made
            anew starts counting from there, not from nothing.
    """
    if not candidate.looked or free_in_s(candidate, now_s) > 0.0:
        return None
    times, seen = candidate.times, candidate.seen
    if candidate.term is not None and candidate.term >= newest_term:
        return LeaseRecord(candidate.me, candidate.term, times.duration_s)
    before = 0 if seen is None else seen.term
    return LeaseRecord(candidate.me, max(before, newest_term) + 1, times.duration_s)


def wrote(candidate: Candidate, record: LeaseRecord, asked_s: float) -> Candidate:
    """The write that began at `asked_s` succeeded; `record` is what stands there now."""
    ours = record.holder == candidate.me
    until_s = asked_s + candidate.times.duration_s - candidate.times.margin_s
    return replace(
        candidate,
        seen=record,
        seen_since_s=asked_s,
        term=record.term if ours else None,
        until_s=until_s if ours else 0.0,
    )


def given_back(candidate: Candidate) -> LeaseRecord | None:
    """What to write at the end, so that nobody has to wait; None where it is not ours."""
    if candidate.term is None or candidate.seen is None:
        return None
    return LeaseRecord(NOBODY, candidate.term, candidate.times.duration_s)


def give_up(candidate: Candidate) -> Candidate:
    """Stop acting at once, whatever the record says."""
    return replace(candidate, term=None, until_s=0.0)


def next_look_s(candidate: Candidate, now_s: float) -> float:
    """How long to wait before the next look; never longer than until the record may be taken."""
    if candidate.term is not None:
        return candidate.times.renew_s
    free_s = free_in_s(candidate, now_s) if candidate.looked else 0.0
    return min(candidate.times.retry_s, free_s) if free_s > 0.0 else candidate.times.retry_s
