"""One policy laid over the defaults, and where each of its fields was written."""

from dataclasses import dataclass
from typing import cast

from controller.policy.documents import (
    DefaultsDocument,
    PolicyDocument,
    PolicySpec,
    merged,
)
from controller.policy.problems import PolicyProblem, Severity
from controller.policy.reading import ReadDocument
from controller.policy.yaml_tree import Location, dotted, find, key_mark, value_mark


@dataclass(frozen=True)
class MergedPolicy:
    """A valid policy document with the set's defaults under it."""

    document: ReadDocument
    defaults: ReadDocument | None
    spec: PolicySpec

    @classmethod
    def of(cls, document: ReadDocument, defaults: ReadDocument | None) -> "MergedPolicy":
        """Merge the specs. Both documents must have been found valid."""
        spec = cast(PolicyDocument, document.model).spec
        if defaults is not None:
            spec = merged(spec, cast(DefaultsDocument, defaults.model).spec)
        return cls(document, defaults, spec)

    def written(self, location: Location) -> ReadDocument | None:
        """The document that gives the field at `location`; None where it is a built-in default."""
        for document in (self.document, self.defaults):
            if document is not None and find(document.root, location) is not None:
                return document
        return None

    def lost(self, location: Location) -> bool:
        """Whether the field, or something in it, was written with errors: nothing follows."""
        documents = [d for d in (self.document, self.defaults) if d is not None]
        return any(
            location[: len(cut)] == cut[: len(location)] for d in documents for cut in d.lost
        )

    def problem(
        self,
        location: Location,
        message: str,
        hint: str | None = None,
        severity: Severity = "error",
    ) -> PolicyProblem:
        """A problem at the field, in whichever file gives it; else at its mapping's key."""
        document = self.written(location)
        mark = (
            key_mark(self.document.root, location)
            if document is None
            else value_mark(document.root, location)
        )
        file = (document or self.document).file
        path = dotted(location)
        return PolicyProblem(file, mark.line, mark.column, path, message, hint, severity)

    def contradiction(
        self, first: Location, message: str, second: Location, hint: str | None = None
    ) -> PolicyProblem:
        """A problem between two fields, at the first that was written by anybody.

        `message` may hold `{first}` and `{second}`, which become `(the default)` where that
        field was not written.
        """
        note = {
            key: "" if self.written(location) else " (the default)"
            for key, location in (("first", first), ("second", second))
        }
        at = first if self.written(first) or not self.written(second) else second
        return self.problem(at, message.format(**note), hint)
