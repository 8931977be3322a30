"""How a mirrored probe is made: which share of users' requests, for how long, for how much. Pure.

One instance of the candidate type gets as many requests as an instance of its fleet would: where
three would serve all, a third. AWS draws them at random, so what arrives is as uneven as what
users send. A share cannot be more than all of it: a higher load than users cause now is not made.
"""

from collections.abc import Sequence

from controller.core.assess import Observed
from controller.core.guard import fleet_is_full
from controller.core.history import SETTLE_S
from controller.core.periods import HOUR_S
from controller.core.probe_cost import END_S, START_S, Tariff
from controller.core.probe_lessons import same_copy
from controller.model.missing import Maybe, Missing
from controller.model.policy import Covers, Slo
from controller.model.probe import Mirroring
from controller.model.size import Size
from controller.model.window import Window

SHORTEST_S, LONGEST_S = 1200.0, 3600.0
"""The requests that a p95 needs come within; two whole five-minute periods lie in the shorter."""
ENOUGH, LEAST = 1000.0, 200.0
"""Requests for which a probe goes on, and fewer than which say nothing of a p95."""
NEAR = 0.87
"""So much of the load that is asked about counts as the load."""


def recent_rps(recent: Sequence[Window]) -> Maybe[float]:
    """Users' requests a second, over the last hour that is known."""
    if not recent:
        return Missing("no requests were seen lately")
    since_s = recent[-1].end_s - HOUR_S
    late = [w for w in recent if w.start_s >= since_s and not isinstance(w.requests, Missing)]
    seconds = sum(w.end_s - w.start_s for w in late)
    requests = sum(w.requests for w in late if not isinstance(w.requests, Missing))
    return requests / seconds if requests else Missing("no requests were seen lately")


def out_of_sight(slo: Slo) -> str | None:
    """Why a mirrored probe would not tell of an objective; None where it does."""
    if slo.covers is not Covers.CLIENT:
        return None
    return "the objective is what clients see, which only requests of our own can tell"


def mirroring(rps: float, load_rps: float, lasts_s: float | None = None) -> Maybe[Mirroring]:
    """The probe that brings one instance `load_rps` of `rps` requests a second; Missing where
    users send too few for that. `lasts_s`: as a person wants it, not as the requests need it."""
    if load_rps * NEAR > rps:
        return Missing(
            f"users send {rps:.3g} requests a second, and {load_rps:.3g} are asked about: more "
            "than there are cannot be copied"
        )
    share = round(min(1.0, load_rps / rps), 4)
    each_s = share * rps
    if lasts_s is None:
        lasts_s = min(LONGEST_S, max(SHORTEST_S, ENOUGH / max(each_s, 1e-9)))
    if each_s * lasts_s < LEAST:
        return Missing(
            f"about {each_s * lasts_s:.0f} requests would be copied in {lasts_s / 60.0:.0f} "
            f"minutes: fewer than {LEAST:.0f} say nothing of a p95"
        )
    return Mirroring(share, 1, lasts_s)


def by_users(size: Size, load_rps: float, observed: Observed, *, alone: bool) -> Mirroring | str:
    """The probe that brings a load to one instance of a size, or why there is none now.

    `alone`: no copy may be called instead. Then all that users send is the most that there is
    to learn from, and it is tried once.
    """
    unseen, full = out_of_sight(observed.policy.slo), fleet_is_full(observed.fleet)
    if unseen is not None:
        return unseen
    if full is not None:
        return full[1]
    rps = recent_rps(observed.windows.recent)
    if isinstance(rps, Missing):
        return rps.reason
    if alone and load_rps > rps and not _tried(size, rps, observed):
        load_rps = rps
    made = mirroring(rps, load_rps)
    return made.reason if isinstance(made, Missing) else made


def _tried(size: Size, rps: float, observed: Observed) -> bool:
    """Whether a size was given as many requests as users send now, or nearly."""
    mine = (row.load_rps for row in observed.rows if same_copy(row.size, size))
    return any(not isinstance(load, Missing) and load >= NEAR * rps for load in mine)


def mirrored_usd(rate: Tariff, made: Mirroring) -> float:
    """USD that it is expected to cost: its instances, from one deployment to the other's end.
    The live fleet is billed once while it is deployed all at once."""
    standing_s = 2.0 * START_S + SETTLE_S + made.lasts_s + END_S
    return made.instances * rate.standing_usd(standing_s)
