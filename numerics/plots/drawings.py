"""The picture of each kind of result."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from matplotlib.figure import Figure

from ..continuation import BifurcationCurves, Branches, LimitCycles, PhaseDiagram
from ..dmft import Onset, Stationary, Transient
from ..fitting import Fit
from ..fixed_points import FixedPoint, FixedPoints, Response
from ..inference import Comparison, Confirmation, Identifiability, Posterior, Profile
from ..results import Result
from ..stability import Spectrum, Stability
from ..sweeps import Sweep
from ..verification import Ablation, NetworkVerification, Verification
from .ablations import ablation
from .average_curves import averages
from .bifurcation import bifurcation_diagram, cycles_diagram
from .dmft import autocovariance, dmft_courses, onset
from .fit import overview
from .fit_directions import determined
from .models import comparison, confirmation, profiles
from .planes import curves_diagram, phase_picture
from .points import fixed_points
from .posteriors import histograms
from .response import responses
from .spectrum import spectra, spectrum
from .sweeps import sweep_picture
from .time_courses import trajectories
from .verification import ensemble_time_courses, network_time_courses


@singledispatch
def draw_result(result: Any, **options: Any) -> Figure:
    """The picture of a result; `result.plot()` calls it.

    Results without a picture of their own, also those that `load` reads, are drawn from their
    datasets where these are time courses or averages.

    Args:
        result: of any verb.
        options: those of the function that draws this kind of result.

    Returns:
        A figure of Matplotlib.

    Raises:
        NotImplementedError: there is no picture of this kind of result.
    """
    raise NotImplementedError(f"{type(result).__name__} is no result of a verb: it has no picture")


@draw_result.register
def _(result: Result, **options: Any) -> Figure:
    there = set(result.dataset.variables) if "set" not in result.dataset.dims else set()
    for variables, draw in FROM_DATASETS:
        if variables <= there:
            return draw(result, **options)
    raise NotImplementedError(
        f"there is no picture of this {type(result).__name__}: draw variables of its dataset, "
        f"{', '.join(map(str, result.dataset.data_vars))}, as result['name'].plot()"
    )


COURSES = {"time", "population", "mean", "variance", "rate"}
FROM_DATASETS: tuple[tuple[set[str], Callable[..., Figure]], ...] = (
    (COURSES | {"covariance"}, dmft_courses),
    (COURSES, trajectories),
    ({"mu", "variance", "average", "function"}, averages),
)
"""Variables of a dataset, and what draws them."""

DRAWINGS: dict[type, Callable[..., Figure]] = {
    Ablation: ablation,
    BifurcationCurves: curves_diagram,
    Branches: bifurcation_diagram,
    Comparison: comparison,
    Confirmation: confirmation,
    Fit: overview,
    FixedPoint: lambda point: fixed_points([point]),
    FixedPoints: fixed_points,
    Identifiability: determined,
    LimitCycles: cycles_diagram,
    NetworkVerification: network_time_courses,
    Onset: onset,
    PhaseDiagram: phase_picture,
    Posterior: histograms,
    Profile: lambda found: profiles([found]),
    Response: responses,
    Spectrum: spectrum,
    Stability: spectra,
    Stationary: autocovariance,
    Sweep: sweep_picture,
    Transient: dmft_courses,
    Verification: ensemble_time_courses,
}
for kind, drawing in DRAWINGS.items():
    draw_result.register(kind, drawing)
