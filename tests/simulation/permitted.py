"""The generated permissions, enforced: nothing is denied, and nothing was granted for nothing."""

from virtual_account import OURS, Account

from controller.core.permissions.documents import document
from controller.core.permissions.grant import Access
from controller.core.permissions.needs import Features, needs
from controller.sandbox.extensions import state_of
from controller.sandbox.iam.guard import Guard

MODELS = Features(models=("s3://models-123456789012",))
"""Where the sandbox keeps the models that it is seeded with."""


def permit(
    account: Account, features: Features | None = None, asked: Access | None = None
) -> Guard:
    """Let the controller do what its policies need, and nothing else."""
    guard = state_of(account.world, Guard)
    granted = needs(account.policies, features or MODELS, asked=asked)
    guard.attach(OURS, [document(granted)])
    return guard


def denials(guard: Guard) -> list[tuple[str, str]]:
    """Actions and resources that were asked for and not granted."""
    return [(access.action, access.resource) for _, access in guard.denied]


def unused(*guards: Guard) -> set[tuple[str, str]]:
    """Grants, as (sid, action), that none of these lives needed."""
    return set.intersection(*(set(guard.unused(OURS)) for guard in guards))


def actions(guard: Guard) -> set[str]:
    """All actions that were asked for and granted."""
    return {action for _, _, action in guard.used}
