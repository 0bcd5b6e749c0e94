"""Verbs of other rooms, which load when a sweep calls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Elsewhere:
    """A function of the face of another room; called as it is.

    Most sweeps need one of many rooms, and importing all of them takes longer than short sweeps.

    Args:
        room: that has it, none that imports sweeps.
        name: of the function.
    """

    room: str
    name: str

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """The function itself, which `inspect` looks for under this name."""
        found: Callable[..., Any] = getattr(import_module(f"..{self.room}", __package__), self.name)
        return found

    def __call__(self, *given: Any, **options: Any) -> Any:
        return self.__wrapped__(*given, **options)
