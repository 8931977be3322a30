"""What the functions of an account say of one another: a prior between the learnt one and each.

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
