"""Classes of the objects that verbs take and return, for annotations."""

from .numerics.fixed_points import (
    FixedPoint as FixedPoint,
    FixedPoints as FixedPoints,
    Response as Response,
)
from .numerics.results import Code as Code, Result as Result, Status as Status
from .numerics.stability import Spectral as Spectral, Spectrum as Spectrum, Stability as Stability
from .numerics.system import Averaged as Averaged, System as System, Units as Units
from .theory.architecture import Filter as Filter, TransferFunction as TransferFunction
from .theory.derivation import Derivation as Derivation
from .theory.equations import Closure as Closure, MeanField as MeanField
