"""What a network is made of: populations, transfer functions, filters, motifs, inputs."""

from . import filters, transfer
from .architecture import INPUTS, MOTIFS, Architecture
from .filters import UNIT, Filter, S
from .function import TransferFunction
from .known_functions import LIBRARY
from .strengths import QUADRATIC, TOTALS, Empirical, Gaussian, Mixture, Strengths

__all__ = [
    "INPUTS",
    "LIBRARY",
    "MOTIFS",
    "QUADRATIC",
    "TOTALS",
    "UNIT",
    "Architecture",
    "Empirical",
    "Filter",
    "Gaussian",
    "Mixture",
    "S",
    "Strengths",
    "TransferFunction",
    "filters",
    "transfer",
]
