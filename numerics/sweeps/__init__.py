"""One verb at many points of parameters, in memory or on disk."""

from .attractors import GAIN, attractor_counts, has_stability
from .evaluated import FEASIBLE, STATUS, Evaluated, Form, Template, called
from .pace import Rate
from .points import SAMPLE
from .processes import local_workers
from .reductions import whole
from .sweeping import AT_ONCE, Sweep, open_sweep, sweep, sweep_progress, sweep_rate
from .verbs import VERBS, Chosen, Task, Verb

__all__ = [
    "AT_ONCE",
    "FEASIBLE",
    "GAIN",
    "SAMPLE",
    "STATUS",
    "VERBS",
    "Chosen",
    "Evaluated",
    "Form",
    "Rate",
    "Sweep",
    "Task",
    "Template",
    "Verb",
    "attractor_counts",
    "called",
    "has_stability",
    "local_workers",
    "open_sweep",
    "sweep",
    "sweep_progress",
    "sweep_rate",
    "whole",
]
