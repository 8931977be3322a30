"""`rightsizer probe ENDPOINT --size TYPE --mirrored`: users' own requests, copied by AWS."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from controller.cli.connect import one_shot, wired
from controller.cli.exits import CommandError, ExitCode
from controller.cli.probe_ask import ByHand
from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.app import App
    from controller.model.change import Change
    from controller.model.policy import PolicySet
    from controller.model.probe import ProbeRecord
    from controller.model.size import RealtimeSize
    from controller.runtime.mirroring import Mirrors
    from controller.runtime.oneshot import Seen
    from controller.runtime.probe_parts import Asked
    from controller.runtime.requested import Ready

LOOK_S = 15.0
"""How often it is looked whether CloudWatch has published the last minutes."""


def mirror(
    session: Session, policies: "PolicySet", endpoint: str, by_hand: ByHand
) -> "ProbeRecord | None":
    """Look, say what it costs, ask, and see it through; None where the controller that runs on
    this journal does it. Raises CommandError, AdapterErrors."""
    from controller.cli.apply import require_answer, take_over
    from controller.cli.journal import opened
    from controller.cli.seen import seen_now
    from controller.runtime.requested import Requests

    if by_hand.size is None:
        raise click.UsageError("--mirrored needs --size, the instance type to measure.")
    if not (by_hand.yes or by_hand.dry_run):
        require_answer(session)
    seen, _ = seen_now(session, policies, endpoint)
    with wired(session, opened(session.settings), policies, acting=True) as app:
        found = one_shot(session, app).find()
        entry = next((one for one in found.entries if one.key == seen.entry.key), None)
        if entry is None:
            raise next(iter(found.failures.values()), CommandError("no policy claims it now"))
        app.engine.sample(entry.scope, [entry])
        old = app.store.probes(entry.key)
        _mirrors(app).settle(entry.scope, entry.policy.slo, old)  # of a command that was killed
        left = app.store.open_change(entry.key)
        if left is None or not _the_same(left, by_hand):
            ready = Requests(app.hands, app.store, policies.limits).check_idle(entry)
            asked = _asked(session, app, seen, ready, by_hand)
            _agree(session, app, asked, by_hand)
            daemon = take_over(app)
            actuator = app.hands.actuator
            assert actuator is not None, "it was wired to act"
            recent = ready.observed.windows.recent
            left = _mirrors(app).begin(actuator, asked, entry.policy, recent)
        else:
            session.say(f"change {left.id}, a {left.detail}, was left open: it is seen through")
            daemon = take_over(app)
        if daemon:
            session.say(f"journalled as {left.id}: the controller on this journal carries it out")
            session.say("see: rightsizer get probes")
            return None
        return _seen_through(session, app, seen, left)


def _mirrors(app: "App") -> "Mirrors":
    desk = app.hands.desk
    assert desk is not None, "it was wired to act"
    assert desk.mirrors is not None, "it was wired to act"
    return desk.mirrors


def _the_same(change: "Change", by_hand: ByHand) -> bool:
    """Whether an open change is this very probe, left by a command that was killed."""
    from controller.kinds.realtime_endpoint.mirror import is_mirrored

    return is_mirrored(change) and change.progress.get("type") == by_hand.size


def _asked(session: Session, app: "App", seen: "Seen", ready: "Ready", by_hand: ByHand) -> "Asked":
    """The probe. Raises CommandError with what is in the way."""
    from controller.core.mirroring import mirrored_usd, mirroring, out_of_sight, recent_rps
    from controller.core.probe_cost import tariff
    from controller.kinds.realtime_endpoint.mirror import refusal_to_mirror
    from controller.model.missing import Maybe, Missing
    from controller.model.probe import ProbeKind, ProbeOrder
    from controller.runtime.probe_parts import Asked

    entry, state = ready.entry, ready.observed.state
    size, probing = _size(seen, by_hand), entry.policy.probe
    if probing is None or not probing.mirrored:
        raise CommandError(NOT_ALLOWED)
    unseen = out_of_sight(entry.policy.slo)
    why = unseen or refusal_to_mirror(state.realtime, state.phase, size.instance_type)
    if why is not None:
        raise CommandError(f"nothing is mirrored: {why}")
    rps = recent_rps(ready.observed.windows.recent)
    if isinstance(rps, Missing):
        raise CommandError(f"nothing is mirrored: {rps.reason}")
    made = mirroring(rps, rps / _instances(seen, size), by_hand.duration_s)
    if isinstance(made, Missing):
        raise CommandError(f"nothing is mirrored: {made.reason}")
    rate = tariff(size, state, app.prices, ProbeKind.MIRRORED)
    usd: Maybe[float] = rate if isinstance(rate, Missing) else mirrored_usd(rate, made)
    return Asked(
        key=entry.key,
        scope=entry.scope,
        probing=by_hand.limited(probing),
        slo=entry.policy.slo,
        order=ProbeOrder(
            ProbeKind.MIRRORED, size, (), 0, usd, why="asked for by hand", mirror=made
        ),
        state=state,
        era=ready.observed.era,
        rate=rate,
        actor=f"cli:{session.environment.user}",
    )


def _size(seen: "Seen", by_hand: ByHand) -> "RealtimeSize":
    from controller.cli.probe_sizes import parse_size
    from controller.model.size import RealtimeSize

    state = seen.assessment.state
    assert state is not None, "what could not be looked at is not probed"
    assert by_hand.size is not None, "it was asked for"
    if not isinstance(state.size, RealtimeSize):
        raise CommandError("AWS mirrors requests of real-time endpoints only")
    size = parse_size(by_hand.size, state.size)
    assert isinstance(size, RealtimeSize), "as the endpoint's own is"
    if size.instance_type == state.size.instance_type:
        raise CommandError(f"{size.instance_type} is what serves: every request measures it")
    return size


def _instances(seen: "Seen", size: "RealtimeSize") -> float:
    """How many of that type would serve; as many as now, where that is not known."""
    from controller.model.missing import Missing
    from controller.model.size import RealtimeSize

    for candidate in seen.assessment.candidates:
        made = candidate.estimate
        same = isinstance(made.size, RealtimeSize) and made.size.instance_type == size.instance_type
        if same and not isinstance(made.instances, Missing):
            return max(1.0, made.instances.mid)
    state = seen.assessment.state
    return 1.0 if state is None else max(1.0, float(state.realtime.desired_instances))


def _agree(session: Session, app: "App", asked: "Asked", by_hand: ByHand) -> None:
    """Say what it does and costs, and ask. Raises CommandError at a no, or over budget."""
    from controller.cli.probe_run import ask, refuse_price
    from controller.cli.probe_views import cost
    from controller.core.periods import DAY_S
    from controller.core.probe_cost import spent_usd

    now_s, made = session.clock.now_s(), asked.order.mirror
    assert made is not None, "it is a mirrored one"
    spent = spent_usd(app.store.probes(asked.key, since_s=now_s - DAY_S), now_s)
    refuse_price(asked.order.usd, spent, asked.probing.budget)
    session.say(
        f"{asked.key.short} is deployed with a shadow variant of {asked.order.size} beside what "
        f"serves; {made.share:.0%} of users' requests are copied to it for "
        f"{made.lasts_s / 60.0:.0f} minutes, and its answers reach nobody; then the present "
        f"configuration is deployed again. Cost: about {cost(asked.order.usd)} USD."
    )
    if by_hand.dry_run:
        raise click.exceptions.Exit(ExitCode.OK)
    ask(session, "Go on?", yes=by_hand.yes)


@dataclass(frozen=True, slots=True)
class _Course:
    """Sees one change through, and turns it round where somebody no longer waits for it."""

    session: Session
    app: "App"

    def through(self, change: "Change") -> "Change":
        from controller.runtime.foreground import Foreground

        session, app = self.session, self.app
        foreground = Foreground(
            app.engine, app.store, clock=session.clock, wait=session.wait, say=session.say
        )
        (ended,) = foreground.see_through([change])
        return ended

    def turned(self, change: "Change") -> "Change":
        from controller.runtime.requested import abandon

        actuator = self.app.actuator
        assert actuator is not None, "it was wired to act"
        actor = f"cli:{self.session.environment.user}"
        self.session.say("the shadow variant is removed first")
        return self.through(abandon(self.app.store, actuator, change, actor, "interrupted"))


def _seen_through(
    session: Session, app: "App", seen: "Seen", change: "Change"
) -> "ProbeRecord | None":
    from controller.cli.interrupts import Interrupts
    from controller.model.errors import Conflict

    course = _Course(session, app)
    with Interrupts():
        try:
            ended = course.through(change)
        except KeyboardInterrupt:
            try:
                _settle(app, seen, course.turned(change))
            except Conflict as error:
                session.say(str(error))
            raise
        if ended.phase.open:
            raise CommandError(
                f"change {ended.id} cannot go on; left in the journal: the same command, or the "
                "controller, takes it up again"
            )
        return _settled(session, app, seen, ended)


def _settled(session: Session, app: "App", seen: "Seen", change: "Change") -> "ProbeRecord | None":
    """The probe's row, once CloudWatch has told."""
    while True:
        mine = _settle(app, seen, change)
        if mine is None or mine.ended_at_s is not None:
            return mine
        session.wait(LOOK_S)


def _settle(app: "App", seen: "Seen", change: "Change") -> "ProbeRecord | None":
    """The probe's row, closed if CloudWatch can tell of it by now."""
    entry = seen.entry
    rows = app.store.probes(entry.key, since_s=change.planned_at_s - 1.0)
    mine = next((r for r in rows if r.id == change.progress.get("config_target")), None)
    if mine is None or mine.ended_at_s is not None:
        return mine
    done = _mirrors(app).settle(entry.scope, entry.policy.slo, [mine])
    return done[0] if done else mine


NOT_ALLOWED = (
    "the policy does not allow it: a mirrored probe deploys the live endpoint twice, and runs its "
    "code on real requests once more. `probe.shadow.mirrored: true` allows it"
)
