"""How a long-running process keeps its memory small, and how often it looks for garbage.

glibc gives each thread an arena of its own, and keeps what was freed in it. Our threads wait
for AWS most of the time, and Python lets one of them run at once: one arena does for all,
and saves a tenth of the memory.
"""

import ctypes
import gc
import sys

_M_TRIM_THRESHOLD = -1
_M_ARENA_MAX = -8
"""Numbers of mallopt(3)."""
_TRIM_BYTES = 128 * 1024
_COLLECT = (20_000, 20, 20)
"""Objects made, and younger collections, between two collections of garbage."""


def use_one_arena() -> bool:
    """Call before threads are started. False where the C library is not glibc: nothing is done."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_ARENA_MAX, 1) and mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES))


def collect_less() -> None:
    """Look for garbage in circles less often than Python would by itself.

    What is kept of every endpoint (windows, evidence, service models) stays for long and holds
    no circles; walking through it again and again takes a fifth of the CPU time, and while it
    lasts nothing else runs.
    """
    gc.set_threshold(*_COLLECT)


def log_without_rich() -> None:
    """Call before structlog is imported: it loads rich, where there is one, for tracebacks in
    colours, which this program's logs never have. A daemon is 5 MB smaller without."""
    if "rich" in sys.modules or "structlog" in sys.modules:
        return
    # None is how Python marks what cannot be imported
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
