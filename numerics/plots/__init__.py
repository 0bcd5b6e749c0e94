"""Pictures of results, as matplotlib figures."""

from .ablations import ablation
from .average_curves import averages
from .bifurcation import bifurcation_diagram, cycles_diagram
from .dmft import (
    autocovariance,
    covariance_image,
    dmft_courses,
    draw_autocovariance,
    draw_courses,
    draw_covariance,
    onset,
)
from .drawings import draw_result
from .files import check_drawable, save
from .fit import fit_figures, overview
from .fit_directions import determined
from .fit_targets import held_out
from .matrices import connectivity
from .models import comparison, confirmation, profiles
from .notebooks import show_figures
from .planes import curves_diagram, draw_curves, phase_picture
from .points import fixed_points
from .posteriors import histograms
from .response import responses
from .spectrum import draw, spectra
from .sweeps import sweep_picture
from .time_courses import trajectories
from .verification import error_against_size, verification_figures

__all__ = [
    "ablation",
    "autocovariance",
    "averages",
    "bifurcation_diagram",
    "check_drawable",
    "comparison",
    "confirmation",
    "connectivity",
    "covariance_image",
    "curves_diagram",
    "cycles_diagram",
    "determined",
    "dmft_courses",
    "draw",
    "draw_autocovariance",
    "draw_courses",
    "draw_covariance",
    "draw_curves",
    "draw_result",
    "error_against_size",
    "fit_figures",
    "fixed_points",
    "held_out",
    "histograms",
    "onset",
    "overview",
    "phase_picture",
    "profiles",
    "responses",
    "save",
    "show_figures",
    "spectra",
    "sweep_picture",
    "trajectories",
    "verification_figures",
]

show_figures()
