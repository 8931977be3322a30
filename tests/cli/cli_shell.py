"""The command line as tests call it: streams in memory, a clock of their own, a small account."""

import io
import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.cli.main import execute
from controller.cli.session import Session
from controller.sandbox.client import SandboxClient
from controller.sandbox.world import World
from controller.settings import Environment

NOW_S = 1_795_600_000.0
"""2026-11-25, a Wednesday, 09:46:40 in UTC."""
ACCOUNT = "123456789012"


class Stream(io.StringIO):
    """A stream in memory that may pass for a terminal."""

    def __init__(self, text: str = "", *, terminal: bool = False) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class StillClock:
    """Time that moves only when waited for."""

    def __init__(self, now_s: float = NOW_S) -> None:
        self.at_s = now_s

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s

    def wait(self, seconds: float) -> None:
        self.at_s += seconds


class WorldClock:
    """The sandbox's time; waiting lets the sandbox live."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now_s(self) -> float:
        return self._world.now_s()

    def monotonic_s(self) -> float:
        return self._world.now_s()

    def wait(self, seconds: float) -> None:
        self._world.advance(seconds)


@dataclass(frozen=True)
class Result:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The only error line, without its `error: `; nothing else may look like one."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("error: ")


@contextmanager
def same_signals() -> Iterator[None]:
    """`run` takes signals over, and the test run wants them back."""
    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Shell:
    """Runs command lines as `main` does, with streams in memory."""

    store: Path
    clock: Any = field(default_factory=StillClock)
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(
        self,
        *arguments: str | Path,
        stdin: str | bytes = "",
        terminal: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        out, err = Stream(terminal=terminal), Stream(terminal=terminal)
        given = Stream("" if isinstance(stdin, bytes) else stdin, terminal=terminal)
        if isinstance(stdin, bytes):
            given.buffer = io.BytesIO(stdin)  # type: ignore[attr-defined]
        variables = {"RIGHTSIZER_STORE": str(self.store), "USER": "ada", **self.variables}
        session = Session(
            environment=Environment({**variables, **(env or {})}),
            clock=self.clock,
            wait=self.clock.wait,
            stdin=given,
            out=out,
            err=err,
        )
        with same_signals():
            code = execute([str(argument) for argument in arguments], session)
        result = Result(int(code), out.getvalue(), err.getvalue())
        assert "Traceback (most recent" not in result.out + result.err, result.err
        return result


def function(name: str, memory_mb: int, alias: str | None = "live", **more: Any) -> dict[str, Any]:
    """A function of the account, three days old and busy."""
    nature = {
        "traffic": {"rps": 3.0},
        "curve": {"a_ms": 20.0, "b": 80_000.0, "p": 1.0, "saturation_mb": 1769},
        "memory_mb": 110,
        "qualifier": alias,
        **more.pop("workload", {}),
    }
    published = {} if alias is None else {"versions": 1, "aliases": {alias: 1}}
    plain = {"name": name, "memory_mb": memory_mb, "age_days": 3, "workload": nature}
    return {**plain, **published, **more}


POLICY = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata:
  name: {name}
  labels: {{team: {team}}}
spec:
  mode: {mode}
  target: {{kind: lambda_function, name: {name}, region: {region}, qualifier: {qualifier}}}
  slo: {{latency: {{percentile: p95, threshold: {threshold}}}}}
{more}"""


def policy(name: str, *, mode: str = "Recommend", threshold: str = "400ms", **more: str) -> str:
    """A policy for one function, as YAML; `more` is further YAML of the spec."""
    fields = {"region": "eu-west-1", "qualifier": "live", "team": "docs", "more": ""} | more
    return POLICY.format(name=name, mode=mode, threshold=threshold, **fields)


@dataclass
class Account:
    """A sandbox over HTTP, and the commands of somebody who works with it."""

    world: World
    url: str
    shell: Shell
    control: SandboxClient
    policies: Path

    def write(self, *texts: str) -> Path:
        """Put these policies, and no others, into the directory of policies."""
        self.policies.mkdir(exist_ok=True)
        for old in self.policies.iterdir():
            old.unlink()
        for number, text in enumerate(texts):
            (self.policies / f"{number}.yaml").write_text(text, "utf-8")
        return self.policies

    def memory_mb(self, name: str, qualifier: str = "$LATEST") -> int:
        """The live memory, asked of the world."""
        region = self.world.region(ACCOUNT, "eu-west-1")
        found = region.functions[name]
        if qualifier in found.aliases:
            qualifier = found.aliases[qualifier].version
        return int((found.versions.get(qualifier) or found.latest).memory_mb)

    def mutations(self) -> int:
        """Calls that changed something."""
        names = {"UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"}
        return sum(1 for c in self.control.calls("lambda") if c["operation"] in names)


MakeAccount = Callable[..., Account]
