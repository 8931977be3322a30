"""A keeper of the common record in memory, and terms as a journal keeps them."""

from dataclasses import replace

from controller.model.errors import AdapterError, Conflict, NoLease, Unreachable
from controller.model.lease import LeaseRecord, LeaseTimes
from controller.runtime.election import Election, Terms

TIMES = LeaseTimes()


class Keeper:
    """`LeaseRecords` that can be out of reach, or lose an answer, for one of those who ask."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self.writes = 0
        self.away: AdapterError | None = None
        self.lose_answer = False

    def read(self) -> LeaseRecord | None:
        if self.away is not None:
            raise self.away
        return self.record

    def swap(self, seen: LeaseRecord | None, wanted: LeaseRecord) -> LeaseRecord:
        if self.away is not None:
            raise self.away
        if seen != self.record:
            raise Conflict("somebody was faster")
        self.writes += 1
        self.record = replace(wanted, version=str(self.writes))
        if self.lose_answer:
            self.lose_answer = False
            raise Unreachable("the answer was lost")
        return self.record

    def close(self) -> None:
        pass


class Shared:
    """The same record, reached over another way."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper, self.away = keeper, False

    def read(self) -> LeaseRecord | None:
        self._reach()
        return self.keeper.read()

    def swap(self, seen: LeaseRecord | None, wanted: LeaseRecord) -> LeaseRecord:
        self._reach()
        return self.keeper.swap(seen, wanted)

    def close(self) -> None:
        pass

    def _reach(self) -> None:
        if self.away:
            raise Unreachable("no way")


class Fence:
    """A journal's newest term."""

    def __init__(self) -> None:
        self.term = 0

    def lift(self, term: int) -> None:
        if term < self.term:
            raise NoLease("older")
        self.term = term

    def terms(self) -> Terms:
        return Terms(lambda: self.term, self.lift)


class Steady:
    """One machine's monotonic clock: an offset of its own, moved by the test."""

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s

    def __call__(self) -> float:
        return self.at_s


class Replica:
    """An election with a clock and a way of its own."""

    def __init__(self, name: str, keeper: Keeper, fence: Fence, offset_s: float = 0.0) -> None:
        self.clock, self.way = Steady(offset_s), Shared(keeper)
        self.told: list[bool] = []
        self.election = Election(
            self.way,
            me=name,
            times=TIMES,
            steady_s=self.clock,
            terms=fence.terms(),
            told=self.told.append,
        )

    def turn(self) -> float:
        return self.election.turn()
