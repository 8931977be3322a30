"""The words of the plain lines."""

from given import a_change

from controller.cli.demo_lines import clock_time, date_time, guest_line, line, step_words
from controller.core.sentence import change_sentence
from controller.demo.stage import START_S
from controller.model.change import ChangeEvent


def test_times_are_short_and_in_utc() -> None:
    assert clock_time(START_S) == "Mon 08:00"
    assert date_time(START_S) == "Mon 2 Nov 2026 08:00"


def test_a_line_has_columns() -> None:
    key = a_change().key
    told = line(START_S, key, "RightSize", "nothing cheaper")
    assert told.split("  ")[0] == "Mon 08:00"
    assert told.index("RightSize") == 31
    assert told.index("nothing cheaper") == 49


def test_a_step_does_not_name_the_endpoint_again() -> None:
    change = a_change()
    message = change_sentence(change, "canary with 10% of requests")
    word, text = step_words(change, ChangeEvent(START_S, change.phase, "verify", message))
    assert word == change.phase.value
    assert text == f"{change.before} -> {change.target}: canary with 10% of requests"


def test_a_call_that_failed_says_that_it_did() -> None:
    change = a_change()
    done = ChangeEvent(START_S, change.phase, "done PublishVersion", "publish $LATEST")
    failed = ChangeEvent(START_S, change.phase, "failed PublishVersion", "no answer")
    assert step_words(change, done)[1] == "publish $LATEST"
    assert step_words(change, failed)[1] == "failed PublishVersion: no answer"


def test_what_others_do_is_told_apart() -> None:
    assert guest_line(START_S, "release: search-rerank").endswith("(somebody releases new code)")
    assert guest_line(START_S, "terraform: ocr").endswith("(terraform)")
