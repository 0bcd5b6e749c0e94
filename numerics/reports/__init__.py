"""Self-contained HTML pages about results."""

from .fit import write_fit_report
from .verification import write_report

__all__ = [
    "write_fit_report",
    "write_report",
]
