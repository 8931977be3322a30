"""The account's own limit on a function's memory, as Lambda tells it in a refusal."""

import re

from controller.core.history import MEMORY_LIMIT
from controller.model.errors import Terminal

_LIMIT = re.compile(r"MemorySize\b.*less than or equal to (\d+)")


def memory_refused(error: Terminal) -> Terminal:
    """The refusal of a memory size, with the account's limit where AWS names one.

    Accounts may be capped below Lambda's 10,240 MB: "'MemorySize' value failed to satisfy
    constraint: Member must have value less than or equal to 3008".
    """
    found = _LIMIT.search(str(error))
    if found is None:
        return error
    return Terminal(
        f"Lambda gives functions of this account and region at most {found[1]} MB; ask AWS "
        "Support to raise the limit, or set spec.bounds.",
        operation=error.operation,
        code=error.code,
        learnt={MEMORY_LIMIT: found[1]},
    )
