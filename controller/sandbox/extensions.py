"""State that a room of the sandbox keeps in a world without the world knowing the room."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from controller.sandbox.world import World

State = TypeVar("State")


def state_of(world: World, kind: type[State]) -> State:
    """The world's one instance of `kind`, made without arguments when first asked for."""
    found: State | None = world.extensions.get(kind)
    if found is None:
        found = world.extensions[kind] = kind()
    return found
