"""Tags of a copy: whose it is, of what, and until when; and what a found copy's tags say.

The values keep to what AWS lets a tag hold (letters, digits, spaces and `_.:/=+-@`), so
`$LATEST` is left out of the endpoint's key.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.aws.endpoint_configs import (
    ENDPOINT_TAG,
    EXPIRES_TAG,
    OWNER,
    OWNER_TAG,
    expiry_of,
    expiry_text,
)
from controller.core.shadows import is_shadow
from controller.model.endpoint import LATEST, EndpointKey, Kind
from controller.model.policy import Scope
from controller.model.probe import Shadow, ShadowPhase
from controller.model.size import Size

_MOST_TAGS = 50


@dataclass(frozen=True, slots=True)
class Marks:
    """What the tags of a copy say."""

    key: EndpointKey
    expires_at_s: float


def shadow_tags(shadow: Shadow, of_source: Mapping[str, str]) -> dict[str, str]:
    """The source's own tags, so that the bill goes where the source's goes, and ours.

    AWS's (`aws:`) cannot be given, and a resource has at most fifty.
    """
    ours = {
        OWNER_TAG: OWNER,
        ENDPOINT_TAG: str(shadow.key).removesuffix(f":{LATEST}"),
        EXPIRES_TAG: expiry_text(shadow.expires_at_s),
    }
    theirs = [one for one in of_source.items() if not one[0].startswith(("aws:", "rightsizer:"))]
    return {**dict(theirs[: _MOST_TAGS - len(ours)]), **ours}


def is_ours(name: str, tags: Mapping[str, str]) -> bool:
    """Whether a thing is a copy that we made: by its name and by its tag."""
    return is_shadow(name) and tags.get(OWNER_TAG) == OWNER


def marks(name: str, tags: Mapping[str, str]) -> Marks | None:
    """What the tags of a copy of ours say; None where it is not ours, or they cannot be read."""
    if not is_ours(name, tags):
        return None
    expires_at_s = expiry_of(tags)
    try:
        key = EndpointKey.parse(tags.get(ENDPOINT_TAG, ""))
    except ValueError:
        return None
    return None if expires_at_s is None else Marks(key, expires_at_s)


def overdue(found: Marks | None, kind: Kind, now_s: float) -> bool:
    """Whether a found thing is a copy of a kind that nobody may want any more."""
    return found is not None and found.key.kind is kind and now_s >= found.expires_at_s


def found_shadow(name: str, found: Marks, scope: Scope, size: Size) -> Shadow:
    """A copy that was found by its tags, as a shadow to remove."""
    return Shadow(
        id=name,
        key=found.key,
        scope=scope,
        size=size,
        phase=ShadowPhase.CREATING,
        created_at_s=found.expires_at_s,
        expires_at_s=found.expires_at_s,
    )
