"""Who made a copy: a daemon, or one process of a command; and whether that process lives."""

import os
import re
import socket

_FORM = re.compile(r"(?P<who>.*)@(?P<host>[^@#]*)#(?P<pid>\d+)")


def process_actor(who: str) -> str:
    """This process as an actor: `cli:ann@host#4711`."""
    return f"{who}@{socket.gethostname()}#{os.getpid()}"


def process_is_gone(actor: str) -> bool:
    """Whether an actor is a process of this host that has ended.

    False where that cannot be known: of other hosts, of daemons, and where another process
    has got its number since; their copies go when they expire.
    """
    match = _FORM.fullmatch(actor)
    if match is None or match["host"] != socket.gethostname():
        return False
    try:
        os.kill(int(match["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
