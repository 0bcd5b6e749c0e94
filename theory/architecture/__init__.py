"""What a network is made of: populations, transfer functions, filters, motifs, inputs."""

from . import filters, transfer
from .architecture import MOTIFS, Architecture
from .filters import UNIT, Filter, S
from .function import TransferFunction
from .known_functions import LIBRARY

__all__ = [
    "LIBRARY",
    "MOTIFS",
    "UNIT",
    "Architecture",
    "Filter",
    "S",
    "TransferFunction",
    "filters",
    "transfer",
]
