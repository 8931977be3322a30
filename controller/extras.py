"""Parts of the program that are installed only where somebody wants them."""

from importlib.util import find_spec

from controller.model.errors import Terminal


def require(extra: str, *modules: str) -> None:
    """Make sure that the modules of an extra can be imported, without importing them.

    Raises Terminal, with the line that installs them, where one cannot.
    """
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        *others, last = absent
        names = f"{', '.join(others)} and {last}, which are" if others else f"{last}, which is"
        raise Terminal(
            f"This needs {names} not installed: pip install 'rightsizer[{extra}]'.",
            code="MissingExtra",
        )
