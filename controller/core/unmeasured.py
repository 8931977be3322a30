"""Instance types that nobody has measured: not switched to for money, but worth a probe. Pure."""

from collections.abc import Sequence

from controller.core.inputs import Inputs
from controller.core.proposals import cheapest, cost_mid
from controller.model.decision import Hold
from controller.model.estimate import Estimate, Rejection
from controller.model.policy import Policy
from controller.model.reason import Reason

PROMISING = 0.8
"""Least probability of meeting the SLO, by its catalogue data, of a type that is waited for."""


def would_tell(policy: Policy) -> str:
    """What would tell what a type does, and what the policy must say for that."""
    probing = policy.probe
    if probing is not None and (probing.mirrored or (probing.shadows and probing.payloads)):
        return "a probe would tell"
    return "a probe would tell (allow shadows)"


def waiting(inputs: Inputs, here: Estimate, wanted: Sequence[Estimate]) -> Hold | None:
    """A hold that names the type, if but for not being measured one of these would be taken.

    What its catalogue lets expect is said: a type that may well be too slow is nothing that is
    waited for.
    """
    found = [
        estimate
        for estimate in wanted
        if estimate.standing is not None
        and estimate.standing[0] is Rejection.NOT_MEASURED
        and estimate.size not in inputs.barred
        and estimate.p_slo >= PROMISING
    ]
    if not found:
        return None
    best = cheapest(found)
    saving = 1.0 - cost_mid(best) / cost_mid(here)
    detail = (
        f"{best.size} may save {saving:.0%} (with probability {best.p_slo:.2f} it meets the SLO)"
        f" and was not measured: {would_tell(inputs.policy)}"
    )
    return Hold(Reason.NOT_MEASURED, detail)
