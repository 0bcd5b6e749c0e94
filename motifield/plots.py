"""Pictures of results, as matplotlib figures."""

from .numerics.plots import (
    ablation as ablation,
    autocovariance as autocovariance,
    averages as averages,
    bifurcation_diagram as bifurcation_diagram,
    comparison as comparison,
    curves_diagram as curves_diagram,
    dmft_courses as dmft_courses,
    fit_figures as fit_figures,
    fixed_points as fixed_points,
    histograms as histograms,
    overview as overview,
    phase_picture as phase_picture,
    profiles as profiles,
    responses as responses,
    save as save,
    spectra as spectra,
    trajectories as trajectories,
    verification_figures as verification_figures,
)
