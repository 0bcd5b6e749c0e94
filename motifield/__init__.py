"""motifield: mean-field equations of nonlinear random recurrent networks with correlated synapses.

Derive them (SymPy), run them (JAX), check them (sampled finite networks). Names load on first use, so that importing the
package costs nothing.
"""

from importlib import import_module

_WHERE = {
    "theory.architecture": ["Architecture", "Filter", "TransferFunction"],
    "theory.equations": ["Cavity", "Closure", "LowRank", "MotifOnly", "SecondMoment", "MeanField"],
    "theory.derivation": ["Derivation", "derive"],
    "theory.averages": ["GaussianAverage"],
    "numerics.verification": [
        "Ablation",
        "ablate",
        "FiniteSize",
        "finite_size",
        "Verdict",
        "judge",
        "NetworkVerification",
        "Verification",
        "verify",
        "verify_network",
    ],
    "numerics.fixed_points": [
        "cavity_distribution",
        "FixedPoint",
        "FixedPoints",
        "fixed_point",
        "fixed_points",
        "fixed_points_batch",
        "Response",
        "response",
    ],
    "numerics.system": ["Averaged", "average", "integrate", "System", "compile", "Units"],
    "numerics.dmft": [
        "dmft",
        "standard_scores",
        "stationary_networks",
        "Onset",
        "Stationary",
        "onset_of_chaos",
        "stationary_dmft",
    ],
    "numerics.parameters": [
        "without_reciprocity",
        "check_feasible",
        "nearest_feasible",
        "violations",
        "Constant",
        "Function",
        "Input",
        "Signals",
        "Steps",
        "Table",
        "pulse",
        "signals",
        "Motifs",
        "Parameters",
    ],
    "numerics.networks": [
        "find_populations",
        "Statistics",
        "load_statistics",
        "measure",
        "read_edges",
        "Network",
        "load_network",
        "as_network",
        "read_network",
        "StandardErrors",
    ],
    "numerics.fitting": [
        "Fit",
        "fit",
        "Problem",
        "FirstOrder",
        "LevenbergMarquardt",
        "FreeMotifs",
        "LogNormal",
        "Normal",
        "measured_priors",
        "synaptic_priors",
        "read_amplitudes",
        "read_connections",
        "Unknown",
        "dale",
    ],
    "numerics.inference": [
        "FitCheck",
        "check",
        "Identifiability",
        "identifiability",
        "Comparison",
        "compare",
        "posterior",
        "Profile",
        "profile",
    ],
    "numerics.reports": ["write_fit_report", "write_report"],
    "numerics.spec": ["FitSpec", "write_fitted_spec", "Spec", "load_spec"],
    "numerics.simulation": ["NetworkExponent", "network_exponent", "simulate"],
    "numerics.sampling": [
        "MatrixFree",
        "matrix_free",
        "Dense",
        "Sparse",
        "Gaussian",
        "Sampler",
        "sample",
    ],
    "numerics.continuation": [
        "Branch",
        "Branches",
        "continuation",
        "BifurcationCurves",
        "bifurcation_curves",
        "LimitCycles",
        "limit_cycles",
        "SpecialPoint",
        "PhaseDiagram",
        "phase_diagram",
    ],
    "numerics.stability": [
        "Spectrum",
        "spectrum",
        "Spectral",
        "Stability",
        "connectivity_spectrum",
        "stability",
    ],
    "numerics.targets": ["Targets"],
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}
_NAMESPACES = {
    "filters": "theory.architecture.filters",
    "marginals": "numerics.sampling.marginals",
    "transfer": "theory.architecture.transfer",
    "theory": "theory",
    "numerics": "numerics",
    "errors": "errors",
}

__version__ = "0.1.0"
__all__ = [*sorted(_MODULE), "errors", "filters", "marginals", "transfer"]


def __getattr__(name: str):
    if name in _MODULE:
        value = getattr(import_module(f".{_MODULE[name]}", __name__), name)
    elif name in _NAMESPACES:
        value = import_module(f".{_NAMESPACES[name]}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *__all__])
