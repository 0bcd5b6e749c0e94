"""Self-contained HTML pages about results."""

from .fit import save_fit_report
from .origin import Origin
from .report import save_report

__all__ = [
    "Origin",
    "save_fit_report",
    "save_report",
]
