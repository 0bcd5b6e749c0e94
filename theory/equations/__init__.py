"""From synaptic statistics and a closure to the mean-field equations."""

from .closures import CLOSURES, Cavity, Closure, LowRank, MotifOnly, SecondMoment
from .derive import equations
from .explicit import MOST_POPULATIONS, labels_of, names_of, scalar
from .linearise import linearised, varied_averages, varying
from .mean_field import FEEDBACK_LATEX, MeanField
from .record import Step
from .statistics import SynapseStatistics

__all__ = [
    "CLOSURES",
    "FEEDBACK_LATEX",
    "MOST_POPULATIONS",
    "Cavity",
    "Closure",
    "LowRank",
    "MeanField",
    "MotifOnly",
    "SecondMoment",
    "Step",
    "SynapseStatistics",
    "equations",
    "labels_of",
    "linearised",
    "names_of",
    "scalar",
    "varied_averages",
    "varying",
]
