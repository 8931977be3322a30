"""What an account's endpoints of a kind say of one another: a prior between the learnt and each.

An account's functions are written by the same people in the same languages for the same kind of
work, so their response curves are alike. What each has shown of its own shape (its posterior
over shapes and classes of roughness) is added to what was learnt from other people's functions,
which weighs as much as `STRENGTH` functions of the account. Nobody learns from itself: its own
share is taken out before it is asked. Levels are nobody else's business: the scale and the tail
of a function stay free.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controller.core.stats import Floats

STRENGTH = 4.0
"""By `bench/account_sharing.py`: sizes never measured are foretold better with 1 to 16."""
LEAST_WEIGHT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class AccountPrior:
    """Log weights of every shape (rows) and class of roughness (columns), for one function.

    Compared by identity: a prior made anew is a new one, and beliefs follow.
    """

    log_weights: Floats
    functions: int
    """How many functions of the account it rests on."""


def account_prior(learnt: Floats, others: Sequence[Floats]) -> AccountPrior | None:
    """The prior for one function; None where no other function of the account has shown any.

    learnt: weights of shapes (rows) and classes (columns) as learnt beforehand, summing to 1.
    others: the posteriors of the account's other functions, of the same form.
    """
    if not others:
        return None
    total = STRENGTH * learnt + np.sum(others, axis=0)
    weights = total / total.sum()
    return AccountPrior(np.log(np.maximum(weights, LEAST_WEIGHT)), len(others))


KEPT_WEIGHT = 1e-3
"""Of a lesson, what weighs less is not written down: the rest stands in for it."""


def written(lesson: Floats) -> list[list[float]]:
    """A lesson as pairs of place and weight, for the journal."""
    flat = lesson.ravel()
    return [[int(i), round(float(flat[i]), 5)] for i in np.flatnonzero(flat >= KEPT_WEIGHT)]


def read(pairs: Sequence[Sequence[float]], learnt: Floats) -> Floats:
    """A lesson from its written form; what was not written is shared out as learnt beforehand.

    Raises ValueError or IndexError for pairs that no lesson over these shapes has.
    """
    flat = np.zeros(learnt.size)
    for place, weight in pairs:
        flat[int(place)] = weight
    rest = 1.0 - float(flat.sum())
    if not -0.01 <= rest <= 1.0:
        raise ValueError(f"weights of a lesson sum to {1.0 - rest:.3f}")
    return np.asarray(flat.reshape(learnt.shape) + max(0.0, rest) * learnt)
