"""Tables from files as people write them: text in every dress, spreadsheets, data frames."""

from .cells import INTEGER, Numbers, clean, is_missing, is_number, label_of, name_of, numbers_of
from .columns import (
    Coded,
    Column,
    as_coded,
    coded,
    kept_by,
    labels_of,
    names_of,
    numbers_in,
    rounded_id,
    taken,
    values_in,
)
from .dialects import NAMES as SEPARATOR_NAMES
from .filters import Filter, filters_of
from .frames import FrameTable, needed
from .packed import Place, explained, opened, place_of, require_room
from .table import TABLES, Table, open_table
from .text import TextTable, text_of

__all__ = [
    "INTEGER",
    "SEPARATOR_NAMES",
    "TABLES",
    "Coded",
    "Column",
    "Filter",
    "FrameTable",
    "Numbers",
    "Place",
    "Table",
    "TextTable",
    "as_coded",
    "clean",
    "coded",
    "explained",
    "filters_of",
    "is_missing",
    "is_number",
    "kept_by",
    "label_of",
    "labels_of",
    "name_of",
    "names_of",
    "needed",
    "numbers_in",
    "numbers_of",
    "open_table",
    "opened",
    "place_of",
    "require_room",
    "rounded_id",
    "taken",
    "text_of",
    "values_in",
]
