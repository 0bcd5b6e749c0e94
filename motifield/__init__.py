"""motifield: mean-field equations of nonlinear random recurrent networks with correlated synapses.

Derive them (SymPy), run them (JAX), check them (sampled finite networks). Names load on first use, so that importing the
package costs nothing.
"""

from importlib import import_module

_WHERE = {
    "theory.architecture": ["Architecture"],
    "theory.closures": ["Cavity", "Closure", "LowRank", "MotifOnly", "SecondMoment"],
    "theory.derivation": ["Derivation", "derive"],
    "theory.equations": ["MeanField"],
    "theory.filters": ["Filter"],
    "theory.gaussian": ["GaussianAverage"],
    "theory.transfer": ["TransferFunction"],
    "numerics.ablation": ["Ablation", "ablate"],
    "numerics.cavity": ["cavity_distribution"],
    "numerics.averages": ["Averaged", "average"],
    "numerics.dmft": ["dmft"],
    "numerics.dmft_networks": ["standard_scores", "stationary_networks"],
    "numerics.dmft_stationary": ["Onset", "Stationary", "onset_of_chaos", "stationary_dmft"],
    "numerics.couplings": ["without_reciprocity"],
    "numerics.feasibility": ["check_feasible", "nearest_feasible", "violations"],
    "numerics.find_populations": ["find_populations"],
    "numerics.finite_size": ["FiniteSize", "finite_size"],
    "numerics.fit": ["Fit", "fit"],
    "numerics.fit_check": ["FitCheck", "check"],
    "numerics.fit_problem": ["Problem"],
    "numerics.fit_report": ["write_fit_report"],
    "numerics.fit_spec": ["FitSpec"],
    "numerics.fitted_spec": ["write_fitted_spec"],
    "numerics.fixed_points": ["FixedPoint", "FixedPoints", "fixed_point", "fixed_points"],
    "numerics.fixed_points_batch": ["fixed_points_batch"],
    "numerics.identifiability": ["Identifiability", "identifiability"],
    "numerics.inputs": ["Constant", "Function", "Input", "Signals", "Steps", "Table", "pulse", "signals"],
    "numerics.integrate": ["integrate"],
    "numerics.least_squares": ["FirstOrder", "LevenbergMarquardt"],
    "numerics.lyapunov": ["NetworkExponent", "network_exponent"],
    "numerics.matrix_free": ["MatrixFree", "matrix_free"],
    "numerics.measure": ["Statistics", "load_statistics", "measure"],
    "numerics.branches": ["Branch", "Branches"],
    "numerics.continuation": ["continuation"],
    "numerics.curves": ["BifurcationCurves", "bifurcation_curves"],
    "numerics.cycles": ["LimitCycles", "limit_cycles"],
    "numerics.special_points": ["SpecialPoint"],
    "numerics.edges": ["read_edges"],
    "numerics.network": ["Network", "load_network"],
    "numerics.model_comparison": ["Comparison", "compare"],
    "numerics.motif_coordinates": ["FreeMotifs"],
    "numerics.motifs": ["Motifs"],
    "numerics.parameters": ["Parameters"],
    "numerics.phase_diagram": ["PhaseDiagram", "phase_diagram"],
    "numerics.posterior": ["posterior"],
    "numerics.priors": ["LogNormal", "Normal", "measured_priors", "synaptic_priors"],
    "numerics.profile": ["Profile", "profile"],
    "numerics.readers": ["as_network", "read_network"],
    "numerics.report": ["write_report"],
    "numerics.response": ["Response", "response"],
    "numerics.dense_sampling": ["Dense"],
    "numerics.sparse_sampling": ["Sparse"],
    "numerics.sampling": ["Gaussian", "Sampler", "sample"],
    "numerics.simulation": ["simulate"],
    "numerics.spec": ["Spec", "load_spec"],
    "numerics.spectrum": ["Spectrum", "spectrum"],
    "numerics.stability": ["Spectral", "Stability", "connectivity_spectrum", "stability"],
    "numerics.standard_errors": ["StandardErrors"],
    "numerics.synapse_tables": ["read_amplitudes", "read_connections"],
    "numerics.system": ["System", "compile"],
    "numerics.targets": ["Targets"],
    "numerics.units": ["Units"],
    "numerics.unknowns": ["Unknown", "dale"],
    "numerics.verdict": ["Verdict", "judge"],
    "numerics.verify": ["NetworkVerification", "Verification", "verify", "verify_network"],
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}
_NAMESPACES = {
    "filters": "theory.filters", "marginals": "numerics.marginals", "transfer": "theory.transfer", "theory": "theory", "numerics": "numerics",
    "errors": "errors",
}  # fmt: skip

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
