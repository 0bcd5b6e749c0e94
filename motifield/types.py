"""Classes of the objects that verbs take and return, for annotations."""

from .numerics.fixed_points import FixedPoint, FixedPoints, Response
from .numerics.results import Code, Result, Status
from .numerics.stability import Spectral, Spectrum, Stability
from .numerics.system import Averaged, System, Units
from .theory.architecture import Filter, TransferFunction
from .theory.derivation import Derivation
from .theory.equations import Closure, MeanField

__all__ = [
    "Averaged",
    "Closure",
    "Code",
    "Derivation",
    "Filter",
    "FixedPoint",
    "FixedPoints",
    "MeanField",
    "Response",
    "Result",
    "Spectral",
    "Spectrum",
    "Stability",
    "Status",
    "System",
    "TransferFunction",
    "Units",
]
