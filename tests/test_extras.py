"""What is installed only where it is wanted."""

import pytest

from controller.extras import require
from controller.model.errors import Terminal


def test_what_is_there_is_not_asked_for() -> None:
    require("sandbox", "numpy", "uvicorn")


def test_what_is_not_there_is_named_with_the_line_that_installs_it() -> None:
    with pytest.raises(Terminal) as raised:
        require("probe", "numpy", "no_such_module_at_all")
    assert str(raised.value) == (
        "This needs no_such_module_at_all, which is not installed: pip install 'rightsizer[probe]'."
    )
