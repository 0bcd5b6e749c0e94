"""One verb at many points of parameters, in memory or on disk."""

from .evaluated import STATUS
from .points import SAMPLE
from .sweeping import Sweep, open_sweep, sweep, sweep_progress
from .verbs import VERBS

__all__ = ["SAMPLE", "STATUS", "VERBS", "Sweep", "open_sweep", "sweep", "sweep_progress"]
