"""The demo's process: ended at any moment, piped, on a terminal, in an odd environment."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from demo_process import PATIENCE_S, PROGRAM, Demo

pytestmark = pytest.mark.end_to_end


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        demo.wait_for("UTC in the sandbox")  # two weeks of history are read now
        status, _ = demo.end(signal.SIGINT)
        assert status == 130
        assert demo.said == "interrupted\n"
        assert demo.left_behind() == []


def test_ctrl_c_while_it_is_starting(tmp_path: Path) -> None:
    """Before there is a handler the signal ends it, as it ends any program: without a word."""
    with Demo(tmp_path) as demo:
        time.sleep(0.1)
        status, _ = demo.end(signal.SIGINT)
        assert status in {130, -signal.SIGINT}
        assert demo.said in {"", "interrupted\n"}
        assert demo.left_behind() == []


def test_in_the_middle_of_a_change_two_signals_are_no_worse_than_one(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        demo.wait_for("Applying")
        demo.child.send_signal(signal.SIGTERM)
        status, _ = demo.end(signal.SIGINT)
        assert status == 130
        assert demo.said == "interrupted\n"
        assert demo.left_behind() == []


def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        assert demo.child.stdout is not None
        demo.wait_for("UTC in the sandbox")
        demo.child.stdout.close()
        assert demo.child.wait(PATIENCE_S) == 141
        assert demo.said == ""
        assert demo.left_behind() == []


def test_nothing_of_the_users_own_plays_a_part(tmp_path: Path) -> None:
    """A profile that does not exist, proxies, addresses and switches: all meant for real AWS."""
    environment = {
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": __file__,
        "AWS_ENDPOINT_URL": "nonsense",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_CA_BUNDLE": "/nonexistent/ca",
        "AWS_REGION": "nowhere-1",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "",
        "RIGHTSIZER_STORE": str(tmp_path / "mine.db"),
        "RIGHTSIZER_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    journal = tmp_path / "demo.db"
    short = ("-q", "-o", "json", "--days", "0.005", "--store", str(journal))
    with Demo(tmp_path, *short, env=environment) as demo:
        status, out = demo.end()
        assert status == 0, demo.said
        assert demo.said == ""
        assert len(json.loads(out)["endpoints"]) == 17
        assert demo.left_behind() == []
    assert not (tmp_path / "mine.db").exists()
    _is_never_written_over(tmp_path, journal)


def _is_never_written_over(tmp_path: Path, journal: Path) -> None:
    """A journal of its own is kept."""
    kept = journal.read_bytes()
    with Demo(tmp_path, "-q", "--store", str(journal)) as demo:
        assert demo.end()[0] == 1
        assert demo.said.startswith(f"error: {journal} exists")
    assert journal.read_bytes() == kept


def test_on_a_terminal_a_table_follows_and_the_summary_stays(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    terminal = {"TERM": "xterm-256color", "COLUMNS": "140", "TMPDIR": str(tmp_path)}
    child = subprocess.Popen(
        [*PROGRAM, "demo", "--days", "0.05"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **terminal},
    )
    os.close(theirs)
    shown = _everything(ours).decode()
    assert child.wait(PATIENCE_S) == 0
    frames = re.split(r"\x1b\[2K(?:\x1b\[1A\x1b\[2K)+", shown)
    assert len(frames) > 3
    last, summary = (re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text) for text in frames[-2:])
    assert re.search(r"UTC in the sandbox, after \d\.\d hours and \d+ looks", last)
    assert re.search(r"checkout-ocr +\S+ .* \d+ / 450 +[\d.]+ ", last)
    assert "ENDPOINT" in summary
    assert re.search(r"\d+ of 17 endpoints meet their SLO", summary)
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is shown again"
    assert list(tmp_path.iterdir()) == []


def _everything(descriptor: int) -> bytes:
    """All that a terminal's child writes, until it closes its side."""
    parts, end_s = [], time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        ready, _, _ = select.select([descriptor], [], [], 1.0)
        if not ready:
            continue
        try:
            part = os.read(descriptor, 65_536)
        except OSError:  # Linux's way to say that the other side is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(descriptor)
    return b"".join(parts)


def test_kept_it_can_be_looked_at_with_the_other_commands(tmp_path: Path) -> None:
    with Demo(tmp_path, "--days", "0.02", "--keep") as demo:
        demo.wait_for("USD/MONTH")
        demo.wait_for("AWS calls")
        end_s = time.monotonic() + PATIENCE_S
        while "/metrics" not in demo.said and time.monotonic() < end_s:
            time.sleep(0.05)
        exported = dict(re.findall(r"^export (\w+)=(.*)$", demo.said, re.MULTILINE))
        environment = {**os.environ, **exported}
        changes, explained = (
            subprocess.run(
                [*PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=True
            ).stdout
            for arguments in (("get", "changes"), ("explain", "thumbnailer"))
        )
        assert "checkout-ocr" in changes
        assert "SLO:       Met" in explained
        _page_is_served(demo)
        assert demo.end(signal.SIGINT)[0] == 0
        assert demo.left_behind() == []


def _page_is_served(demo: Demo) -> None:
    found = re.search(r"its page: (http://127\.0\.0\.1:\d+)/", demo.said)
    assert found is not None
    with urllib.request.urlopen(f"{found[1]}/", timeout=60) as page:
        assert "<title>Rightsizer</title>" in page.read().decode()
    with urllib.request.urlopen(f"{found[1]}/api/v1/endpoints", timeout=60) as rows:
        assert len(json.load(rows)["items"]) > 10
    with urllib.request.urlopen(f"{found[1]}/metrics", timeout=60) as metrics:
        assert b"rightsizer_slo_requests_total{" in metrics.read()
