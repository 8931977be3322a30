"""What a person asks of a probe, made whole from the policy and from what was just seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from controller.cli.exits import CommandError, ExitCode
from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.app import App
    from controller.model.missing import Maybe
    from controller.model.policy import Policy
    from controller.model.probing import Phase, Probing
    from controller.model.size import Size
    from controller.runtime.oneshot import Seen
    from controller.runtime.probe_parts import Asked

CALLS = 100
"""Sent to a copy where nobody says how many."""
LIVE_CALLS = 20
LIVE_RPS = 1.0
UNKNOWN_MS = 1000.0
LONGEST_RAMP_S = 20.0


@dataclass(frozen=True, slots=True)
class ByHand:
    """The options of `probe`."""

    size: str | None = None
    rps: float | None = None
    duration_s: float | None = None
    payload: str | None = None
    max_usd: float | None = None
    yes: bool = False
    dry_run: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], *, yes: bool, dry_run: bool) -> "ByHand":
        """From the command line. Raises UsageError."""
        duration = given.get("duration")
        return cls(
            given.get("size"),
            given.get("rps"),
            None if duration is None else seconds(duration),
            given.get("payload"),
            given.get("max_usd"),
            yes,
            dry_run,
        )

    def asked(self, session: Session, app: "App", seen: "Seen") -> "Asked":
        """The probe. Raises CommandError, UsageError."""
        from controller.cli.probe_sizes import parse_size
        from controller.core.probe_cost import Load, estimated_usd, tariff
        from controller.core.probing import crowded
        from controller.model.missing import Missing
        from controller.model.probe import ProbeKind, ProbeOrder
        from controller.runtime.probe_parts import Asked
        from controller.runtime.probe_plans import places, stop_of

        state = seen.assessment.state
        assert state is not None, "what could not be looked at is not probed"
        probing = self.probing(seen.entry.policy)
        shadow = self.size is not None
        if shadow and not probing.shadows:
            raise CommandError(NO_SHADOWS)
        size = state.size if self.size is None else parse_size(self.size, state.size)
        kind = ProbeKind.SHADOW if shadow else ProbeKind.LIVE
        latency_ms = expected_ms(seen, size)
        phases = self._phases(probing, latency_ms, shadow=shadow)
        slo = seen.entry.policy.slo
        # no request waits much longer than the run lasts
        ends_ms = stop_of(kind, size, probing, slo).p95_ms
        slowest_ms = latency_ms if ends_ms is None else min(latency_ms, ends_ms)
        why = crowded(phases, slowest_ms, places(kind, size, phases, probing, slo))
        if why is not None:
            raise CommandError(f"nothing was sent: {why} (probe.maxConcurrency of the policy)")
        warm_up = probing.warm_up if shadow else 0
        rate = tariff(size, state, app.prices, kind)
        requests = warm_up + sum(phase.requests for phase in phases)
        load = Load(requests, sum(p.duration_s for p in phases), latency_ms, warm_up + 2)
        usd: Maybe[float] = rate if isinstance(rate, Missing) else estimated_usd(rate, load)
        return Asked(
            key=seen.entry.key,
            scope=seen.entry.scope,
            probing=probing,
            slo=slo,
            order=ProbeOrder(kind, size, phases, warm_up, usd, why="asked for by hand"),
            state=state,
            era=app.rules[seen.entry.key.kind].era(state),
            rate=rate,
            actor=f"cli:{session.environment.user}",
        )

    def probing(self, policy: "Policy") -> "Probing":
        """The policy's, with the payload that was given. Raises CommandError without any."""
        from controller.model.probing import PayloadSource, Probing

        probing = policy.probe
        if self.payload is not None:
            source = PayloadSource(file=self.payload)
            # whoever names a payload for an endpoint that has no `probe` asks for all of it
            base = Probing((), shadows=True) if probing is None else probing
            probing = replace(base, payloads=(source,))
        if probing is None or not probing.payloads:
            raise CommandError(_NO_PAYLOADS)
        return self.limited(probing)

    def limited(self, probing: "Probing") -> "Probing":
        """With the money that was given for its budget, if any was."""
        if self.max_usd is None:
            return probing
        budget = replace(probing.budget, usd_per_probe=self.max_usd, usd_per_day=None)
        return replace(probing, budget=budget)

    def agree(self, session: Session, app: "App", asked: "Asked") -> None:
        """Say what it costs and ask. Raises CommandError at a no, or over budget."""
        from controller.cli.probe_run import ask, refuse_price
        from controller.core.periods import DAY_S
        from controller.core.probe_cost import spent_usd

        now_s = session.clock.now_s()
        records = app.store.probes(asked.key, since_s=now_s - DAY_S)
        spent = spent_usd(records, now_s)
        refuse_price(asked.order.usd, spent, asked.probing.budget)
        words = price_words(asked)
        session.say(words)
        if self.dry_run:
            raise click.exceptions.Exit(ExitCode.OK)
        ask(session, "Go on?", yes=self.yes)

    def _phases(
        self, probing: "Probing", latency_ms: float, *, shadow: bool
    ) -> "tuple[Phase, ...]":
        from controller.core.probe_wish import RAMP_FROM, gentle
        from controller.model.probing import Phase

        if self.rps is None and self.duration_s is None:
            if shadow:
                return probing.phases or gentle(latency_ms, CALLS)
            return (Phase(LIVE_RPS, LIVE_RPS, LIVE_CALLS / LIVE_RPS),)
        usual = gentle(latency_ms, CALLS)[0].from_rps if shadow else LIVE_RPS
        rps = usual if self.rps is None else self.rps
        calls = CALLS if shadow else LIVE_CALLS
        duration_s = calls / rps if self.duration_s is None else self.duration_s
        if not shadow:
            return (Phase(rps, rps, duration_s),)
        # A copy starts cold: at the full rate its first requests would all start at once.
        ramp_s = min(0.5 * duration_s, LONGEST_RAMP_S)
        return (
            Phase(RAMP_FROM * rps, rps, ramp_s),
            Phase(rps, rps, duration_s - ramp_s),
        )


def expected_ms(seen: "Seen", size: "Size") -> float:
    """What a request takes there, rather too much than too little."""
    from controller.core.probe_lessons import same_copy

    found = [
        c.estimate.p95_ms.mid
        for c in seen.assessment.candidates
        if type(c.estimate.size) is type(size) and same_copy(c.estimate.size, size)
    ]
    every = [c.estimate.p95_ms.mid for c in seen.assessment.candidates]
    return max(found or every, default=UNKNOWN_MS)


def price_words(asked: "Asked") -> str:
    """`About 102 requests to a copy of … with 512 MB, for about 0.0012 USD.`"""
    from controller.core.probe_cost import money
    from controller.model.missing import Missing
    from controller.model.probe import ProbeKind

    order, usd = asked.order, asked.order.usd
    live = order.kind is ProbeKind.LIVE
    whom = asked.key.short if live else f"a copy of {asked.key.short} with {order.size}"
    cost = f"unknown ({usd.reason})" if isinstance(usd, Missing) else f"about {money(usd)} USD"
    return (
        f"About {order.requests:,.0f} requests to {whom} in {order.duration_s:.0f} s; cost: {cost}."
    )


def seconds(text: str) -> float:
    """`30s`, `5m`. Raises UsageError."""
    from controller.policy.durations import parse_duration_s
    from controller.policy.problems import SpecValueError

    try:
        return parse_duration_s(text)
    except SpecValueError as error:
        raise click.UsageError(f"--duration: {error}.") from None


_NO_PAYLOADS = (
    "there is nothing to send: give --payload FILE, or name payloads under `probe` in the policy"
)
NO_SHADOWS = (
    "the policy does not allow copies of the endpoint: they run its code. "
    "`probe.shadow.allowed: true` allows them"
)
