"""Ctrl-C: once it raises, afterwards it does not, and it is never lost."""

import signal
import sys
from collections.abc import Iterator

import pytest

from controller.cli.interrupts import SIGNALS, Interrupts


@pytest.fixture(autouse=True)
def _handlers_of_the_test_run() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_raises_and_the_second_is_ignored(number: int) -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)
        assert interrupts.asked
    signal.raise_signal(number)  # on the way out nothing may trip up the process either


def test_without_a_signal_everything_is_as_before() -> None:
    hook = sys.unraisablehook
    with Interrupts() as interrupts:
        assert interrupts.check() is False
    assert sys.unraisablehook is hook
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_where_nothing_can_be_raised_it_is_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    class Finalised:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    with Interrupts() as interrupts:
        Finalised()
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
    assert capsys.readouterr().err == ""


def test_other_errors_of_finalisers_are_still_told() -> None:
    told: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, told.append

    class Broken:
        def __del__(self) -> None:
            raise ValueError("broken")

    try:
        with Interrupts():
            Broken()
    finally:
        sys.unraisablehook = before
    assert len(told) == 1


def test_what_was_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGHUP)
        assert not interrupts.asked
