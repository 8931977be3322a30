"""How a minute of calls is held: few calls one by one, many as counts in fixed strata.

Up to `STRATA` calls of a minute are drawn one by one. More are drawn as they would fall: the
number of calls in each stratum of the distribution is multinomial, and a stratum's calls
share one duration from inside it. Counts are whole, and the scatter of any share of calls
is that of the true number of calls; strata are finest around p95 and above.
"""

import numpy as np
import numpy.typing as npt

from controller.sandbox.noise import Noise

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_EDGES = np.concatenate(
    [
        np.linspace(0.0, 0.5, 13),
        np.linspace(0.5, 0.9, 21)[1:],
        np.linspace(0.9, 0.98, 17)[1:],
        np.linspace(0.98, 0.998, 10)[1:],
        [0.9985, 0.999, 0.9993, 0.9996, 0.9998, 0.9999, 1.0],
    ]
)
_LOWER = _EDGES[:-1]
_WIDTH = np.diff(_EDGES)
STRATA = len(_WIDTH)
_INDEX = np.arange(STRATA)


def draw_minutes(
    calls: Counts, noise: Noise, places: np.random.Generator, fall: np.random.Generator
) -> tuple[Floats, Counts]:
    """(scatter, counts), both of shape (minutes, STRATA), for minutes with at least one call.

    Scatter is the factor on the mean duration; counts say how many calls took it.
    """
    share, counts = draw_shares(calls, places, fall)
    return noise.quantile(share), counts


def draw_shares(
    calls: Counts, places: np.random.Generator, fall: np.random.Generator
) -> tuple[Floats, Counts]:
    """As `draw_minutes`, with ranks (0-1) in the distribution in place of scatter.

    `places` and `fall` are used strictly minute by minute, so that drawing in two parts is
    the same as drawing at once.
    """
    share = places.random((len(calls), STRATA))
    many = calls > STRATA
    counts = (calls[:, None] > _INDEX).astype(np.int64)
    if many.any():
        counts[many] = fall.multinomial(calls[many], _WIDTH)
        share[many] = _LOWER + _WIDTH * share[many]
    return share, counts
