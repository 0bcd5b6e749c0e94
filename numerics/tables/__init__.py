"""Tables from files as people write them: text in every dress, spreadsheets, data frames."""

from .filters import Filter, filters_of

__all__ = ["Filter", "filters_of"]
