"""How a long-running process takes memory from the system.

glibc gives each thread an arena of its own, and keeps what was freed in it. Our threads wait
for AWS most of the time, and Python lets one of them run at once: one arena does for all,
and saves a tenth of the memory.
"""

import ctypes

_M_TRIM_THRESHOLD = -1
_M_ARENA_MAX = -8
"""Numbers of mallopt(3)."""
_TRIM_BYTES = 128 * 1024


def use_one_arena() -> bool:
    """Call before threads are started. False where the C library is not glibc: nothing is done."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_ARENA_MAX, 1) and mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES))
