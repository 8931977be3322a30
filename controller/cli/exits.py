"""How a command ends: exit codes, and the error that carries one sentence and a code.

Click and most of its relatives say 2 for wrong usage, which would be taken for "changes are
present"; here wrong usage is 64, as in sysexits.h.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class ExitCode(IntEnum):
    """What the process says when it ends."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    BREACHED = 3
    INVALID = 4
    USAGE = 64
    INTERRUPTED = 130
    PIPE_CLOSED = 141


MEANINGS: Mapping[ExitCode, str] = MappingProxyType(
    {
        ExitCode.OK: "done; for `plan`, whether or not anything would change",
        ExitCode.ERROR: "an error, told in one sentence on stderr",
        ExitCode.CHANGES: "changes are present: only with `plan --detailed-exitcode`",
        ExitCode.BREACHED: "the SLO is broken or the budget exceeded: only with `plan --fail-on`",
        ExitCode.INVALID: "policies (or a saved plan) are not valid",
        ExitCode.USAGE: "wrong usage: an unknown command, option or value",
        ExitCode.INTERRUPTED: "ended by Ctrl-C",
        ExitCode.PIPE_CLOSED: "the reader of the output went away, as in `… | head -1`",
    }
)
"""Where several apply, the error wins over the breach, and the breach over the changes."""


class CommandError(Exception):
    """A command cannot go on. The message is one sentence for a person, without a full stop."""

    def __init__(self, message: str, code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(message)
        self.code = code
