"""The generator dies with whoever started it.

Its standard input is a pipe that the parent holds open and never writes to. When the parent
ends, however it ends, the pipe does too, and the whole process group is killed. A plain thread
of the system waits for that: it works before Locust has changed Python's threads, and while
a locustfile keeps the event loop busy. (Linux's parent-death signal would do as much, on Linux.)
"""

import _thread
import os
import select
import signal

_GRACE_S = 5.0


def tie(time_limit_s: float) -> None:
    """From now on: end with the parent, and at the latest after the time limit and a bit."""
    wait, kill, group = select.select, os.killpg, os.getpgrp

    def watch() -> None:
        wait([0], [], [], time_limit_s + _GRACE_S)
        kill(group(), signal.SIGKILL)

    _thread.start_new_thread(watch, ())
