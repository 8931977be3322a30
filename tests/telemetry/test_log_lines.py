"""One handler for all messages: JSON for machines, readable lines for a terminal."""

import io
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog

from controller.telemetry.logging import LogForm, bound, configure_logging, set_level


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def written(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_json_line_has_its_fields_in_order() -> None:
    out = io.StringIO()
    configure_logging(now_s=lambda: 1_795_000_000.1234, stream=out)
    with bound(endpoint="lambda_function/1/eu-west-1/ocr:live", policy="ocr", reconcile_id="r7"):
        structlog.get_logger("controller.runtime").info("change: lambda eu-west-1/ocr", saves=1.5)
    structlog.get_logger("x").info("outside")
    inside, outside = written(out)
    assert list(inside)[:4] == ["ts", "level", "logger", "event"]
    assert inside == {
        "ts": "2026-11-18T11:06:40.123Z",
        "level": "info",
        "logger": "controller.runtime",
        "event": "change: lambda eu-west-1/ocr",
        "saves": 1.5,
        "endpoint": "lambda_function/1/eu-west-1/ocr:live",
        "policy": "ocr",
        "reconcile_id": "r7",
    }
    assert "policy" not in outside


def test_libraries_logs_take_the_same_way() -> None:
    out = io.StringIO()
    configure_logging(now_s=lambda: 0.0, stream=out)
    with bound(policy="ocr"):
        logging.getLogger("apscheduler.scheduler").warning("run of %s missed", "tick")
    (line,) = written(out)
    assert line == {
        "ts": "1970-01-01T00:00:00.000Z",
        "level": "warning",
        "logger": "apscheduler.scheduler",
        "event": "run of tick missed",
        "policy": "ocr",
    }


def test_an_exception_is_one_line_of_json() -> None:
    out = io.StringIO()
    configure_logging(now_s=lambda: 0.0, stream=out)
    try:
        raise ValueError("no such size")
    except ValueError:
        structlog.get_logger("x").exception("failed")
        logging.getLogger("y").exception("failed")
    for line in written(out):
        assert line["level"] == "error"
        assert line["exception"].startswith("Traceback (most recent call last):")
        assert line["exception"].endswith("ValueError: no such size")


def test_a_terminal_gets_readable_lines_and_a_pipe_gets_json() -> None:
    for stream, readable in ((Terminal(), True), (io.StringIO(), False)):
        configure_logging(now_s=lambda: 0.0, stream=stream)
        structlog.get_logger("x").info("hello", n=1)
        assert stream.getvalue().startswith("{") is not readable
        assert ("\x1b[" in stream.getvalue()) is readable


def test_colour_is_off_where_it_is_not_wanted_or_no_terminal() -> None:
    for stream, color in ((Terminal(), False), (io.StringIO(), True)):
        configure_logging(now_s=lambda: 0.0, form=LogForm.CONSOLE, color=color, stream=stream)
        structlog.get_logger("x").info("hello", n=1)
        assert "\x1b" not in stream.getvalue()
        assert "[info     ] hello" in stream.getvalue()
        assert "n=1" in stream.getvalue()


def test_a_name_from_outside_cannot_move_the_cursor() -> None:
    out = io.StringIO()
    configure_logging(now_s=lambda: 0.0, form=LogForm.CONSOLE, stream=out)
    structlog.get_logger("x").info("evil \x1b[2J\rname\n1970 [error] forged", tag="\x1b]0;t\x07")
    assert out.getvalue().count("\n") == 1
    assert not set(out.getvalue()) & {"\x1b", "\r", "\x07"}


def test_the_level_can_change_at_run_time() -> None:
    out = io.StringIO()
    configure_logging(now_s=lambda: 0.0, level="warning", stream=out)
    log = structlog.get_logger("x")
    log.info("one")
    set_level("debug")
    log.debug("two")
    set_level("ERROR")
    log.warning("three")
    assert [line["event"] for line in written(out)] == ["two"]
    with pytest.raises(ValueError, match="'loud' is no log level"):
        set_level("loud")


def test_libraries_never_write_whole_requests() -> None:
    out = io.StringIO()
    configure_logging(now_s=lambda: 0.0, level="debug", stream=out)
    logging.getLogger("botocore.endpoint").debug("request body …")
    logging.getLogger("botocore.credentials").info("found")
    set_level("info")
    logging.getLogger("botocore.credentials").info("found again")
    assert [line["event"] for line in written(out)] == ["found"]


def test_messages_written_are_counted_by_level() -> None:
    out, levels = io.StringIO(), []
    configure_logging(now_s=lambda: 0.0, stream=out, on_message=levels.append)
    log = structlog.get_logger("x")
    log.debug("not written")
    log.info("written")
    logging.getLogger("uvicorn.error").error("written")
    assert levels == ["info", "error"]


def test_setting_up_again_replaces_and_leaves_other_handlers_alone() -> None:
    mine = logging.NullHandler()
    logging.getLogger().addHandler(mine)
    first, second = io.StringIO(), io.StringIO()
    configure_logging(now_s=lambda: 0.0, stream=first)
    configure_logging(now_s=lambda: 0.0, stream=second)
    structlog.get_logger("x").info("hello")
    assert first.getvalue() == ""
    assert len(written(second)) == 1
    assert mine in logging.getLogger().handlers


def test_logs_go_to_stderr_and_stdout_stays_free(repository: Path) -> None:
    code = (
        "import structlog\n"
        "from controller.telemetry.logging import configure_logging\n"
        "configure_logging(now_s=lambda: 0.0)\n"
        "structlog.get_logger().info('hello')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert json.loads(done.stderr)["event"] == "hello"
