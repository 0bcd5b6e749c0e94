"""Self-contained HTML pages about results."""

from .numerics.reports import (
    Origin as Origin,
    save_fit_report as save_fit_report,
    save_report as save_report,
)
