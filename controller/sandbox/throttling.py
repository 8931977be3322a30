"""When concurrency runs out: the share of requests that Lambda refuses.

Lambda does not queue synchronous calls: one that finds no free slot is refused with 429.
That is Erlang's loss system, whatever the distribution of durations.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def refused_share(busy: Floats, limit: float) -> Floats | None:
    """Share refused (Erlang B) at offered loads `busy` with `limit` slots; None if none is.

    Loads far below the limit are refused nothing, exactly: what happens in one minute must
    not depend on which other minutes are looked at with it.
    """
    near = (busy + 6.0 * np.sqrt(busy) + 2.0 >= limit) | (limit < 1.0)
    if not near.any():
        return None
    load = busy[near]
    blocked = np.ones(len(load))
    for slots in range(1, int(limit) + 1):
        offered = load * blocked
        blocked = offered / (slots + offered)
    refused = np.zeros(len(busy))
    refused[near] = blocked
    return refused
