"""When concurrency runs out: the share of requests that Lambda refuses.

Lambda does not queue synchronous calls: one that finds no free slot is refused with 429.
That is Erlang's loss system, whatever the distribution of durations.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def refused_share(busy: Floats, limit: float) -> Floats | None:
    """Share refused (Erlang B) at offered loads `busy` with `limit` slots; None if hardly any."""
    most = float(busy.max())
    if limit > 0 and most + 6.0 * np.sqrt(most) + 2.0 < limit:
        return None
    blocked = np.ones(len(busy))
    for slots in range(1, int(limit) + 1):
        load = busy * blocked
        blocked = load / (slots + load)
    return blocked
