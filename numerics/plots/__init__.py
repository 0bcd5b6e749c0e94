"""Pictures of results, as matplotlib figures."""

from .ablations import ablation
from .average_curves import averages
from .bifurcation import bifurcation_diagram, curves_diagram, draw_curves, phase_picture
from .dmft import autocovariance, dmft_courses, draw_autocovariance, draw_courses, draw_covariance
from .files import check_drawable, save
from .fit import fit_figures, overview
from .models import comparison, profiles
from .points import fixed_points
from .response import responses
from .spectrum import draw, spectra
from .time_courses import trajectories
from .verification import verification_figures

__all__ = [
    "ablation",
    "autocovariance",
    "averages",
    "bifurcation_diagram",
    "check_drawable",
    "comparison",
    "curves_diagram",
    "dmft_courses",
    "draw",
    "draw_autocovariance",
    "draw_courses",
    "draw_covariance",
    "draw_curves",
    "fit_figures",
    "fixed_points",
    "overview",
    "phase_picture",
    "profiles",
    "responses",
    "save",
    "spectra",
    "trajectories",
    "verification_figures",
]
