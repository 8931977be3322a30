"""How large models are, as their artefacts lie in S3: a lower bound of the memory they need.

Sizes are listed (ListObjectsV2), never read: that needs no right to any object. An artefact is
one object, or all objects under a prefix. Nothing hangs on it: where S3 does not tell, the
answer says why, and it is asked again some hours later; where it does, it is not asked again
for a week, for what a model has loaded stays what it is.
"""

import threading
from collections.abc import Iterable
from typing import Any

from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.errors import AdapterError
from controller.model.missing import Maybe, Missing
from controller.model.policy import Scope
from controller.model.sagemaker import NOT_ASKED
from controller.ports import Clock

KNOWN_S = 7 * 86_400.0
UNKNOWN_S = 6 * 3600.0
MOST_OBJECTS = 10_000
"""Under one prefix: more are taken for something else than one model."""
WITHOUT = Missing("the models load nothing from S3")


class ModelSizes:
    """Sizes of artefacts, remembered; shared by threads."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._seen: dict[tuple[Scope, str], tuple[float, Maybe[int]]] = {}
        self._lock = threading.Lock()

    def total(self, scope: Scope, artefacts: Iterable[str], *, ask: bool) -> Maybe[int]:
        """Bytes of all of them; Missing where of any it is not known.

        Raises nothing. Not `ask`: what is remembered of those that were asked for stands.
        """
        urls = tuple(artefacts)
        sizes = [self._size(scope, url, ask=ask) for url in urls]
        missing = next((size for size in sizes if isinstance(size, Missing)), None)
        if missing is not None:
            return missing
        return sum(size for size in sizes if not isinstance(size, Missing)) if urls else WITHOUT

    def _size(self, scope: Scope, url: str, *, ask: bool) -> Maybe[int]:
        key, now_s = (scope, url), self._clock.now_s()
        with self._lock:
            due_s, known = self._seen.get(key, (0.0, NOT_ASKED))
        if now_s < due_s or (due_s > 0.0 and not ask):
            return known
        try:
            found = self._listed(scope, url)
        except AdapterError as error:
            # An older answer is worth more than none.
            found = Missing(str(error)) if isinstance(known, Missing) else known
        again_s = UNKNOWN_S if isinstance(found, Missing) else KNOWN_S
        with self._lock:
            self._seen[key] = (now_s + again_s, found)
        return found

    def _listed(self, scope: Scope, url: str) -> Maybe[int]:
        """An object of this very name, or all under it where it is a prefix."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        client: Any = self._sessions.client(scope, "s3")
        total, seen, more = 0, 0, dict[str, str]()
        while True:
            with translated("s3", "ListObjectsV2", scope, url):
                page = client.list_objects_v2(Bucket=bucket, Prefix=prefix, **more)
            for one in page.get("Contents", ()):
                if one["Key"] == prefix and not prefix.endswith("/"):
                    return int(one["Size"])
                total += int(one["Size"]) if prefix.endswith("/") else 0
                seen += 1
            if not prefix.endswith("/") or seen == 0:
                return Missing(f"there is no {url}")
            if not page["IsTruncated"]:
                return total
            if seen >= MOST_OBJECTS:
                return Missing(f"more than {MOST_OBJECTS} objects lie under {url}")
            more = {"ContinuationToken": page["NextContinuationToken"]}
