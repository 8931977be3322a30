"""Service models without their prose: botocore's own, at half the memory.

A service model describes every operation twice, once for programs and once for readers. The
documentation is dropped on loading, and plain dictionaries take the place of ordered ones
(whose order they keep too). For the six services in use this saves some six megabytes.
"""

from typing import Any

from botocore.loaders import JSONFileLoader, Loader


class _LeanFiles(JSONFileLoader):
    """Loads a data file as botocore does, and keeps what programs need of it."""

    def load_file(self, file_path: str) -> Any:
        return _lean(super().load_file(file_path))


def lean_models() -> Loader:
    """A loader of service models for `Sessions`, to be shared by all sessions of a process."""
    return Loader(file_loader=_LeanFiles())


def _lean(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            # of these botocore reads even the prose, before each request to S3
            name: item if name == "clientContextParams" else _lean(item)
            for name, item in value.items()
            # a member of a shape may have this name as well, and is no text then
            if not (name == "documentation" and isinstance(item, str))
        }
    if isinstance(value, list):
        return [_lean(item) for item in value]
    return value
