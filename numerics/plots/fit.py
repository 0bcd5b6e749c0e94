"""Pictures of a whole fit."""

from __future__ import annotations

from matplotlib.figure import Figure

from ..fitting import Fit
from ..inference import Identifiability
from .fit_directions import determined
from .fit_starts import draw_ensemble, draw_losses, ensemble, height_of, losses
from .fit_targets import ROW, draw_predictions, held_out, predictions, rows_of
from .matrices import connectivity
from .style import open_frame

FEW = 18
"""Numbers drawn beside the losses; a picture of their own shows more."""
LOSSES = 3.4
"""Height of the losses, in inches."""


def overview(fit: Fit) -> Figure:
    """What a fit reproduces, where its starts ended, and how far equally good solutions spread.

    Args:
        fit: of `fit`.
    """
    several = len(fit.good) > 1
    above = ROW * rows_of(fit)
    below = max(LOSSES, height_of(fit, FEW)) if several else LOSSES
    figure = Figure(figsize=(11.5, above + below), layout="constrained")
    (upper,), (lower,) = figure.subfigures(2, 1, squeeze=False, height_ratios=(above, below))
    draw_predictions(upper, fit)
    if several:
        left, right = lower.subfigures(1, 2)
        draw_losses(open_frame(left.subplots()), fit)
        draw_ensemble(open_frame(right.subplots()), fit, FEW)
    else:
        draw_losses(open_frame(lower.subplots()), fit)
    return figure


def fit_figures(fit: Fit, found: Identifiability | None = None) -> dict[str, Figure]:
    """All pictures of a fit, by caption.

    Args:
        fit: of `fit`.
        found: of `identifiability`, for errors and what the targets determine.
    """
    made = {"Targets with standard errors, and the fit": predictions(fit)}
    if fit.problem.held_out.any():
        made["Held-out targets: predictions against measurements"] = held_out(fit, found)
    errors = None if found is None else found.standard_errors()
    with_errors = ", with standard errors" if errors else ""
    matrices = f"Connectivity and motifs of the best solution{with_errors}"
    made[matrices] = connectivity(fit, errors)
    if found is not None:
        made["What the targets determine"] = determined(found)
    made["Loss of all starts"] = losses(fit)
    if len(fit.good) > 1:
        made["Equally good solutions"] = ensemble(fit)
    return made
