"""Self-contained HTML pages about results."""

from .fit import save_fit_report
from .verification import save_report

__all__ = [
    "save_fit_report",
    "save_report",
]
