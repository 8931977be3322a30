"""What a person asks of a search, made whole from the policy and from what was just seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from controller.cli.exits import CommandError, ExitCode
from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.app import App
    from controller.model.estimate import Observation
    from controller.model.missing import Maybe
    from controller.runtime.oneshot import Seen
    from controller.runtime.tune_parts import Subject
    from controller.runtime.tune_shot import Limits
    from controller.runtime.tuning import Goal

USUAL_PROBES = 12
"""Sizes that a search for memory calls, about: for the price that is asked about."""
INSTANCE_HOURS = 0.2
"""A probe of an instance, its start included."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The options of `tune`."""

    strategy: str
    weight: float
    sizes: str | None
    calls: int
    parallel: int
    payload: str | None
    max_usd: float | None
    plot: str | None
    apply: bool
    yes: bool
    dry_run: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Wish":
        """From the command line."""
        return cls(apply=given["apply_"], **{k: v for k, v in given.items() if k != "apply_"})

    def check(self, session: Session) -> None:
        """What can be refused before any work is done. Raises UsageError, Terminal."""
        from controller.cli.apply import require_answer

        if not (self.yes or self.dry_run):
            require_answer(session)
        if self.plot is not None:
            from controller.extras import require

            if not self.plot.endswith((".svg", ".png")):
                raise click.UsageError("--plot takes a file that ends in .svg or .png.")
            require("plot", "matplotlib")

    def subject(
        self, session: Session, app: "App", seen: "Seen", rows: "Sequence[Observation]"
    ) -> "Subject":
        """Raises CommandError without payloads, or where copies are not allowed."""
        from controller.cli.probe_ask import NO_SHADOWS, ByHand
        from controller.runtime.tune_parts import Subject, demand_of

        state = seen.assessment.state
        assert state is not None, "what could not be looked at is not tuned"
        by_hand = ByHand(payload=self.payload, max_usd=self.max_usd)
        probing = by_hand.probing(seen.entry.policy)
        if not probing.shadows:
            raise CommandError(NO_SHADOWS)
        return Subject(
            key=seen.entry.key,
            scope=seen.entry.scope,
            policy=seen.entry.policy,
            probing=probing,
            state=state,
            era=app.rules[seen.entry.key.kind].era(state),
            demand=demand_of(seen.assessment),
            rows=rows,
            actor=f"cli:{session.environment.user}",
        )

    def sizes_mb(self, subject: "Subject") -> list[int]:
        """What may be tried. Raises UsageError."""
        from controller.cli.probe_sizes import parse_size
        from controller.model.size import memory_mb_of

        given = [] if self.sizes is None else self.sizes.split(",")
        sizes = [parse_size(part, subject.state.size) for part in given if part.strip()]
        return subject.sizes_mb([memory_mb_of(size) for size in sizes])

    def goal(self, subject: "Subject") -> "Goal":
        """What is searched for."""
        from controller.runtime.tuning import Goal, Strategy

        return Goal(
            threshold_ms=subject.policy.slo.threshold_ms,
            confidence=subject.policy.confidence,
            strategy=Strategy(self.strategy),
            weight=self.weight,
            calls=self.calls,
            confirm=3 * self.calls,
        )

    def limits(self, session: Session, app: "App", subject: "Subject") -> "Limits":
        """How much at once, and for how much money."""
        from controller.runtime.tune_shot import Limits

        return Limits(self.parallel, self.most_usd(session, app, subject))

    def most_usd(self, session: Session, app: "App", subject: "Subject") -> float | None:
        """What the whole search may cost: as given, or what is left of the policy's day."""
        if self.max_usd is not None:
            return self.max_usd
        day = subject.probing.budget.usd_per_day
        return None if day is None else max(0.0, day - _spent(session, app, subject))

    def agree(self, session: Session, app: "App", subject: "Subject") -> None:
        """Say what it may cost and ask. Raises CommandError at a no, or over budget."""
        from controller.cli.probe_run import ask, refuse_price
        from controller.core.probe_cost import money
        from controller.model.missing import Missing
        from controller.model.size import RealtimeSize

        if isinstance(subject.state.size, RealtimeSize):
            what, one = self._of_instances(app, subject)
        else:
            what, one = self._of_memory(app, subject)
        refuse_price(one, _spent(session, app, subject), subject.probing.budget)
        usd = "unknown" if isinstance(one, Missing) else f"about {money(one * USUAL_PROBES)} USD"
        most = self.most_usd(session, app, subject)
        limit = "" if most is None else f", at most {money(most)}"
        session.say(f"Copies of {subject.key.short} {what}; cost: {usd}{limit}.")
        if self.dry_run:
            raise click.exceptions.Exit(ExitCode.OK)
        ask(session, "Go on?", yes=self.yes)

    def _of_memory(self, app: "App", subject: "Subject") -> "tuple[str, Maybe[float]]":
        """What is searched, and what one probe may cost."""
        sizes, known = self.sizes_mb(subject), subject.known()
        mean_ms = 1000.0 if known is None else known[0]
        usd = subject.asked(app.prices, subject.current_mb, self.calls, mean_ms).order.usd
        span = f"{min(sizes)}-{max(sizes)} MB"
        return f"with sizes from {len(sizes)} ({span}), {self.calls} calls each", usd

    def _of_instances(self, app: "App", subject: "Subject") -> "tuple[str, Maybe[float]]":
        """Raises UsageError for what only a search for memory can do."""
        from controller.core.probe_cost import tariff
        from controller.model.missing import Missing
        from controller.model.probe import ProbeKind

        if self.strategy != "slo" or self.sizes is not None:
            raise click.UsageError(
                "Of instances there is the strategy slo alone, and the policy's bounds say which."
            )
        rate = tariff(subject.state.size, subject.state, app.prices, ProbeKind.SHADOW)
        usd = rate if isinstance(rate, Missing) else rate.usd_per_hour * INSTANCE_HOURS
        return "on other instance types, one after the other, minutes each", usd


def _spent(session: Session, app: "App", subject: "Subject") -> float:
    """What probes of the endpoint have cost in the last day."""
    from controller.core.periods import DAY_S
    from controller.core.probe_cost import spent_usd

    now_s = session.clock.now_s()
    return spent_usd(app.store.probes(subject.key, since_s=now_s - DAY_S), now_s)
