"""Two replicas as real processes: cut off, stopped, told to end, and killed. One acts at a time."""

import itertools
import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from processes import PATIENCE_S, Process, address, environment, get, run
from replicas import Proxy, dynamodb, make_table

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

PACE = "120"
IN_TIME_S = 15.0
CLOSED = {"Verified", "Unverified", "RolledBack"}
NAMES = [f"f{number}" for number in range(6)]
POLICY = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata:
  name: {name}
spec:
  mode: Enforce
  target: {{kind: lambda_function, name: {name}, region: eu-west-1, qualifier: live}}
  slo: {{latency: {{percentile: p95, threshold: 400ms}}}}
"""


def _function(name: str) -> dict[str, object]:
    return {
        "name": name,
        "memory_mb": 3008,
        "age_days": 3,
        "versions": 1,
        "aliases": {"live": 1},
        "workload": {
            "qualifier": "live",
            "traffic": {"rps": 5.0},
            "curve": {"a_ms": 20.0, "b": 80_000.0, "p": 1.0, "saturation_mb": 1769},
            "memory_mb": 110,
        },
    }


class Replica:
    """One process; what it asks of AWS and of the lease goes through proxies of its own."""

    def __init__(self, sandbox: str, moto: str, store: str, folder: Path) -> None:
        self.aws, self.lease = Proxy(sandbox), Proxy(moto)
        self.env = environment(self.aws.url, folder / "unused.db")
        self.env["RIGHTSIZER_STORE"] = store
        self.env["RIGHTSIZER_LEASE_TABLE"] = store.replace(moto, self.lease.url)
        self.process = Process(
            "--log-format",
            "json",
            "run",
            "--policies",
            str(folder / "policies"),
            "--listen",
            "127.0.0.1:0",
            "--pace",
            PACE,
            env=self.env,
        )

    def leads(self) -> bool:
        url = address(self.process)
        return "leader, term" in get(f"{url}/readyz?verbose")[1]

    def wait_to_lead(self) -> float:
        """Seconds until it does."""
        began_s = time.monotonic()
        while not self.leads():
            assert time.monotonic() - began_s < 60.0, self.process.lines[-20:]
            time.sleep(0.1)
        return time.monotonic() - began_s

    def close(self) -> None:
        self.process.__exit__(None, None, None)
        self.aws.close()
        self.lease.close()


@pytest.fixture
def moto() -> Iterator[str]:
    with dynamodb() as url:
        yield url


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    document = tmp_path / "account.json"
    account = {"functions": [_function(name) for name in NAMES]}
    document.write_text(json.dumps(account), encoding="utf-8")
    arguments = ("--port", "0", "--account-file", str(document), "--pace", PACE)
    with Process("sandbox", "serve", *arguments) as process:
        yield address(process)


def test_one_acts_at_a_time_and_no_change_is_lost(sandbox: str, moto: str, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.yaml").write_text(POLICY.format(name=name), encoding="utf-8")
    store = make_table(moto, "journal")
    made: list[Replica] = []

    def start() -> Replica:
        made.append(Replica(sandbox, moto, store, tmp_path))
        return made[-1]

    try:
        reigns = _story(start)
        _nobody_acted_in_anothers_reign(reigns, made)
        _terms_rise(made[-1])
    finally:
        for one in made:
            one.close()


def _story(start: Callable[[], Replica]) -> list[Replica]:
    """Who led, one after the other."""
    a, b = start(), start()
    a, b = (a, b) if _first_to_lead(a, b) is a else (b, a)
    _stands_by(b)
    _eventually(lambda: bool(a.aws.changing), "a change")

    a.lease.cut()
    assert b.wait_to_lead() <= IN_TIME_S, "one was cut off from its lease, but not from AWS"
    assert not a.leads()
    a.lease.mend()

    b.process.child.send_signal(signal.SIGSTOP)
    assert a.wait_to_lead() <= IN_TIME_S, "one was stopped"
    b.process.child.send_signal(signal.SIGCONT)
    _eventually(lambda: not b.leads(), "notice of having been replaced")

    assert a.process.end(signal.SIGTERM) == 0
    assert b.wait_to_lead() <= 5.0, "one was told to end, and gave the lease back"

    c = start()
    _stands_by(c)
    assert b.process.end(signal.SIGKILL) == -signal.SIGKILL
    assert c.wait_to_lead() <= IN_TIME_S, "one was killed"
    _eventually(lambda: _all_ended(c), "the end of every change")
    return [a, b, a, b, c]


def _first_to_lead(*replicas: Replica) -> Replica:
    leading: list[Replica] = []

    def found() -> bool:
        leading[:] = [one for one in replicas if one.leads()]
        return bool(leading)

    _eventually(found, "leader")
    assert len(leading) == 1
    return leading[0]


def _stands_by(one: Replica) -> None:
    """Ready, and shows what the other does."""
    url = address(one.process)
    _eventually(lambda: "standby; " in get(f"{url}/readyz?verbose")[1], "standby")
    _eventually(lambda: get(f"{url}/readyz")[0] == 200, "readiness")
    assert re.search(r"^rightsizer_leader\S* 0\.0$", get(f"{url}/metrics")[1], re.MULTILINE)
    _eventually(
        lambda: json.loads(get(f"{url}/api/v1/endpoints")[1])["total"] == len(NAMES), "endpoints"
    )


def _all_ended(one: Replica) -> bool:
    """Every change is through: none was lost with the replica that began it.

    At this pace the hour that a step may take lasts half a minute, so a change may be taken
    back in order after a replica has died over it.
    """
    changes = json.loads(get(f"{address(one.process)}/api/v1/changes")[1])["items"]
    return len(changes) >= len(NAMES) and all(c["phase"] in CLOSED for c in changes)


def _nobody_acted_in_anothers_reign(reigns: list[Replica], made: list[Replica]) -> None:
    calls = sorted(
        (at_s, number) for number, one in enumerate(made) for at_s, _ in one.aws.changing
    )
    turns = [number for number, _ in itertools.groupby(number for _, number in calls)]
    order = iter([made.index(one) for one in reigns])
    assert all(turn in order for turn in turns), (turns, "is no part of the order of reigns")
    assert len(set(turns)) > 1, "more than one of them had something to do"


def _terms_rise(one: Replica) -> None:
    exported = run("export", env=one.env).stdout.splitlines()
    lines = [json.loads(line) for line in exported]
    events = [line["value"] for line in lines if line["type"] == "change_event"]
    by_time = sorted(events, key=lambda event: event["at_s"])
    terms = [event["term"] for event in by_time]
    assert terms == sorted(terms)
    assert terms[0] >= 1
    assert len(set(terms)) > 1


def _eventually(true: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, f"no {what}"
        time.sleep(0.2)
