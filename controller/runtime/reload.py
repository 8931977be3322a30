"""Policies that change while we run: the last good set stays until a better one is whole."""

import threading

import structlog

from controller.model.policy import PolicySet
from controller.policy.watch import PolicyWatch
from controller.ports import Clock
from controller.runtime.engine import Engine
from controller.runtime.health import Readiness
from controller.telemetry.metrics import Telemetry

POLICIES = "policies"
CREDENTIALS = "credentials"


class Reloader:
    """Polls the policy files and puts what they say in force."""

    def __init__(
        self,
        watch: PolicyWatch,
        engine: Engine,
        *,
        telemetry: Telemetry,
        ready: Readiness,
        clock: Clock,
    ) -> None:
        self._watch = watch
        self._engine = engine
        self._telemetry = telemetry
        self._ready = ready
        self._clock = clock
        self._problems: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._log = structlog.get_logger("rightsizer")

    def poll(self) -> bool:
        """Take up changed files. True if what is on disk is what is in force."""
        with self._lock:
            return self._poll()

    def _poll(self) -> bool:
        policies = self._watch.poll(self._clock.now_s())
        if policies is not None:
            self.accept(policies)
            self._engine.use(policies)
            self.resync()
        problems = tuple(str(problem) for problem in self._watch.problems)
        if policies is None and self._problems and not problems:
            # mended back to what is in force: nothing new to use, and nothing to warn of
            self.accept(self._engine.policies)
        if problems and problems != self._problems:
            # what is asked for comes before what is said: whoever reads the log may ask at once
            self._warn(problems)
            self._telemetry.reload_failed()
            for problem in problems:
                self._log.error(problem)
            self._log.error("the policies on disk are not valid: the last good set stays in force")
        self._problems = problems
        return not problems

    def _warn(self, problems: tuple[str, ...]) -> None:
        """Ready, for the last good set is in force; but not as the files say."""
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        count = len(self._engine.policies.policies)
        text = f"{count} policies in force, the last good set; on disk: {problems[0]}{more}"
        self._ready.put(POLICIES, True, text, warning=True)

    def accept(self, policies: PolicySet) -> None:
        """Say that a set is in force."""
        self._telemetry.reload_succeeded(policies, self._clock.now_s())
        self._ready.put(POLICIES, True, f"{len(policies.policies)} policies")
        self._log.info(f"policies loaded: {len(policies.policies)}", digest=policies.digest)

    def resync(self) -> None:
        """Look again which endpoints there are, and whether we may."""
        result = self._engine.resync()
        if result.failures:
            place, error = next(iter(result.failures.items()))
            self._ready.put(CREDENTIALS, not result.unseen, f"{place.region}: {error}")
        else:
            self._ready.put(CREDENTIALS, True, "all places could be looked at")
