"""xarray as `xr`, which loads when something of it is first used: it takes long to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr
else:

    class _Late:
        """A module, of which attributes alone are asked for."""

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module("xarray"), name)

    xr = _Late()

__all__ = ["xr"]
