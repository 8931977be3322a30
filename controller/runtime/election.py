"""Keeping the lease: in a thread of its own it is looked at, taken, renewed, and given back.

Nothing that it waits for has to do with the work: it has clients of its own, so a storm of
throttled calls, a full queue or a slow journal never costs the lease. What it holds runs out
by the clock alone: a thread that hangs in a call, or a process that was stopped and goes on,
finds nothing left to act with.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from controller.core import lease as rule
from controller.core.lease import Candidate
from controller.model.errors import AdapterError, Conflict, NoLease
from controller.model.lease import NOBODY, LeaseTimes
from controller.runtime.lease_records import LeaseRecords
from controller.runtime.lease_thread import LeaseThread

TRIES = 2
"""A renewal whose answer was lost is found out by a second try."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The journal's side of it, for one shard: what was seen there, and shutting out what is
    older. Asked only when the lease changes hands."""

    newest: Callable[[], int]
    lift: Callable[[int], None]
    """Raises NoLease where a newer one is known."""


class Election:
    """`controller.ports.Lease` by a common record. Safe from several threads.

    Args:
        records: where the record is; used by this thread only.
        me: a name that no other process has, nor a former one of the same host.
        times: how long everything takes.
        steady_s: seconds that go on while the machine sleeps.
        terms: the journal's.
        told: hears, in this thread, when this replica begins (True) and ceases (False) to lead.
    """

    def __init__(
        self,
        records: LeaseRecords,
        *,
        me: str,
        times: LeaseTimes,
        steady_s: Callable[[], float],
        terms: Terms,
        told: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._records = records
        self._times = times
        self._steady_s = steady_s
        self._terms = terms
        self.told = told
        self._candidate = Candidate(me, times)
        self._lifted = 0
        """The term that the journal has been told of; without it nothing may be done."""
        self._doubt = False
        self._leading = False
        self._aside_until_s = float("-inf")
        self.thread = LeaseThread(self.turn)
        self._log = structlog.get_logger("rightsizer")

    def term(self) -> int:
        """The term last held; whoever asks while it is not held is refused by the journal."""
        return self._lifted

    def remaining_s(self) -> float:
        """For how long this replica may still act, by this machine's clock."""
        candidate = self._candidate
        if candidate.term is None or candidate.term != self._lifted:
            return 0.0
        return rule.remaining_s(candidate, self._steady_s())

    def held(self) -> bool:
        """Whether a call that takes its longest would end before the lease does."""
        return self.remaining_s() >= self._times.call_s

    def doubt(self) -> None:
        """The journal refused our term: find out at the next turn whether there is a newer one."""
        self._doubt = True

    def step_aside(self, for_s: float) -> None:
        """Act no more from the next turn on, and let the lease run out, so that another replica
        may take it; where none has for so long, this one does again."""
        self._aside_until_s = self._steady_s() + for_s

    @property
    def leads(self) -> bool:
        """Whether this replica was last told that it leads."""
        return self._leading

    def words(self) -> str:
        """One line for people: who leads."""
        candidate = self._candidate
        if self._leading:
            return f"leader, term {self._lifted}"
        if self.thread.failure:
            return f"standby; {self.thread.failure}"
        if not candidate.looked:
            return "standby; the lease has not been looked at yet"
        holder = NOBODY if candidate.seen is None else candidate.seen.holder
        return f"standby; {holder or 'nobody'} leads"

    def stop(self, *, give_back: bool) -> None:
        """End. `give_back`: nothing of ours is under way any more, so another may begin at once."""
        if not self.thread.end():
            return  # it hangs in a call; the record runs out by itself
        record = rule.given_back(self._candidate)
        seen = self._candidate.seen
        self._candidate = rule.give_up(self._candidate)
        if give_back and record is not None:
            try:
                self._records.swap(seen, record)
                self._log.info("the lease was given back")
            except AdapterError as error:
                self._log.warning(f"the lease could not be given back, and runs out: {error}")
        self._records.close()

    def turn(self) -> float:
        """Look, and write if it is our turn; returns the seconds until the next look."""
        try:
            for _ in range(TRIES):
                if self._aside() or self._look_and_write():
                    break
            self.thread.say("")
        except (NoLease, Conflict) as error:
            self.thread.say(str(error))
        except AdapterError as error:
            self.thread.say(f"the lease could not be looked at: {error}")
        finally:
            self._turned()
        return rule.next_look_s(self._candidate, self._steady_s())

    def _aside(self) -> bool:
        """Whether it is others' turn; then we only look."""
        if self._steady_s() >= self._aside_until_s:
            return False
        self._candidate = rule.give_up(self._candidate)
        self._look()
        return True

    def _look_and_write(self) -> bool:
        """False where somebody wrote between our look and our write."""
        if self._candidate.term is None or self._doubt:
            self._look()
        now_s = self._steady_s()
        taking = self._doubt or self._candidate.term is None
        free = rule.free_in_s(self._candidate, now_s) <= 0.0
        newest = self._terms.newest() if taking and free else 0
        asked_s = self._steady_s()
        wanted = rule.wanted(self._candidate, asked_s, newest)
        if wanted is None:
            return True
        try:
            written = self._records.swap(self._candidate.seen, wanted)
        except Conflict:
            self._look()
            return False
        self._doubt = False
        self._candidate = rule.wrote(self._candidate, written, asked_s)
        if written.term != self._lifted:
            self._lift(written.term)
        return True

    def _look(self) -> None:
        record = self._records.read()
        self._candidate = rule.look(self._candidate, record, self._steady_s())

    def _lift(self, term: int) -> None:
        try:
            self._terms.lift(term)
        except NoLease:
            self._candidate = rule.give_up(self._candidate)
            raise
        self._lifted = term

    def _turned(self) -> None:
        leads = self.remaining_s() > 0.0
        if leads == self._leading:
            return
        self._leading = leads
        if leads:
            self._log.info(f"this replica leads from now on, in term {self._lifted}")
        else:
            self._log.warning("this replica leads no longer: nothing is changed by it")
        self.told(leads)
