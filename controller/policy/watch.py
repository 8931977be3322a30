"""Hot reload: the last good set stays in force until a better one has been read whole.

Polling by content, not by file events or modification times: it works alike on local
disks, NFS and ConfigMap mounts, misses no edit within a clock tick, and a file that was
only touched is not parsed again. Reading a hundred policies costs a few milliseconds.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from controller.model.policy import PolicySet
from controller.policy.files import STDIN, STDIN_NAME, Sources, read_sources
from controller.policy.loader import load_sources
from controller.policy.problems import PolicyInvalid, PolicyProblem


class PolicyWatch:
    """Reads `paths` again whenever `poll` is called. Not for several threads at once."""

    def __init__(self, paths: Sequence[str | Path]) -> None:
        """Reads nothing yet. Raises PolicyInvalid where a path cannot be read twice."""
        if any(str(path) == STDIN for path in paths):
            message = "standard input cannot be watched; name a file or a directory"
            raise PolicyInvalid([PolicyProblem(STDIN_NAME, None, None, "", message)])
        self._paths = tuple(paths)
        self._seen: str | None = None
        self.current: PolicySet | None = None
        """The last good set; None until there has been one."""
        self.problems: tuple[PolicyProblem, ...] = ()
        """What is wrong with the files as they are now; empty where they are in force."""
        self.warnings: tuple[PolicyProblem, ...] = ()
        """What was hardly meant in the set in force."""
        self.last_success_s: float | None = None
        """When the files last read were found good."""
        self.last_attempt_s: float | None = None
        """When the files were last looked at."""

    @property
    def digest(self) -> str | None:
        """Digest of the set in force; None without one."""
        return None if self.current is None else self.current.digest

    @property
    def healthy(self) -> bool:
        """Whether the files as they are now are in force."""
        return self.current is not None and not self.problems

    def poll(self, now_s: float) -> PolicySet | None:
        """The new set, if the files have changed to a different and valid one; else None.

        Raises nothing: a failure shows in `problems`, and `current` stays.
        """
        self.last_attempt_s = now_s
        sources = read_sources(self._paths)
        fingerprint = _fingerprint(sources)
        if fingerprint == self._seen:
            if not self.problems:
                self.last_success_s = now_s
            return None
        self._seen = fingerprint
        before = self.digest
        try:
            self.current, self.warnings = load_sources(sources)
        except PolicyInvalid as invalid:
            self.problems = invalid.problems
            return None
        self.problems = ()
        self.last_success_s = now_s
        return None if self.digest == before else self.current


def _fingerprint(sources: Sources) -> str:
    """Changes with any file's name or content, and with what could not be read."""
    digest = hashlib.sha256()
    for file in sources.files:
        for part in (file.name.encode(), file.content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    for problem in sources.problems:
        digest.update(str(problem).encode())
    return digest.hexdigest()
