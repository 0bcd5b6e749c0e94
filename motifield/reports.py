"""Self-contained HTML pages about results."""

from .numerics.reports import save_fit_report, save_report

__all__ = [
    "save_fit_report",
    "save_report",
]
