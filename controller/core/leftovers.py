"""Versions that our changes published and that nothing needs any more."""

from collections.abc import Collection, Sequence

from controller.model.change import Change
from controller.model.size import RealtimeSize

PUBLISHED, REMOVED = "published_version", "version_removed"
"""Under which a change remembers the version it published, and that it is gone."""


def removable(
    changes: Sequence[Change], serving: Collection[str], keep: int
) -> list[tuple[Change, str]]:
    """Published versions to remove, oldest first, each with the change that published it.

    `changes` are one endpoint's, newest first; `serving` the versions that its alias names.
    Never one that serves, nor what the newest change that stayed went to or came from (the
    way back), nor the newest `keep` of ours. A version is ours only where our change had
    updated `$LATEST` before: without a difference AWS answers with the version that is there.
    """
    ours = [c for c in changes if not c.phase.open and _published(c) is not None]
    last = next((c for c in changes if c.phase.stays), None)
    needed = set(serving)
    if last is not None:
        needed |= {last.progress.get(PUBLISHED, ""), last.progress.get("before_version", "")}
    found = []
    for change in ours[keep:]:
        version = change.progress[PUBLISHED]
        if version not in needed and REMOVED not in change.progress:
            found.append((change, version))
    return found[::-1]


def _published(change: Change) -> str | None:
    target = change.target
    if isinstance(target, RealtimeSize):
        return None
    if change.progress.get("latest_before_mb") == str(target.memory_mb):
        return None
    return change.progress.get(PUBLISHED)
