"""Parts of the program that are installed only where somebody wants them."""

from importlib.util import find_spec

from controller.model.errors import Terminal


def require(extra: str, *modules: str) -> None:
    """Make sure that the modules of an extra can be imported, without importing them.

    Raises Terminal, with the line that installs them, where one cannot.
    """
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        raise Terminal(
            f"This needs {', '.join(absent)}, which is not installed: "
            f"pip install 'rightsizer[{extra}]'.",
            code="MissingExtra",
        )
