"""motifield: mean-field equations of random recurrent networks with correlated synapses.

The public names: `motifield/__init__.py` loads each of them when it is first used.
"""

from . import (
    continuation as continuation,
    distributions as distributions,
    dmft as dmft,
    errors as errors,
    export as export,
    fitting as fitting,
    inference as inference,
    inputs as inputs,
    networks as networks,
    plots as plots,
    priors as priors,
    progress as progress,
    pure as pure,
    reports as reports,
    sampling as sampling,
    simulation as simulation,
    specs as specs,
    strengths as strengths,
    sweeps as sweeps,
    types as types,
    verification as verification,
)
from .explorer import explore as explore
from .numerics.fitting import fit as fit
from .numerics.fixed_points import (
    fixed_point as fixed_point,
    fixed_points as fixed_points,
    fixed_points_batch as fixed_points_batch,
    response as response,
)
from .numerics.networks import (
    Network as Network,
    as_network as as_network,
    measure as measure,
    read_network as read_network,
    spectral_radius as spectral_radius,
)
from .numerics.parameters import (
    Motifs as Motifs,
    Parameters as Parameters,
    check_feasible as check_feasible,
    nearest_feasible as nearest_feasible,
    scalar as scalar,
    stacked as stacked,
    violations as violations,
    without_reciprocity as without_reciprocity,
)
from .numerics.results import load as load
from .numerics.sampling import marginals as marginals, sample as sample
from .numerics.simulation import simulate as simulate
from .numerics.spec import load_spec as load_spec
from .numerics.stability import spectrum as spectrum, stability as stability
from .numerics.sweeps import sweep as sweep
from .numerics.system import average as average, compile as compile, integrate as integrate
from .numerics.targets import Targets as Targets
from .numerics.verification import verify as verify
from .theory.architecture import (
    Architecture as Architecture,
    filters as filters,
    transfer as transfer,
)
from .theory.derivation import derive as derive
from .theory.equations import (
    Cavity as Cavity,
    LowRank as LowRank,
    MotifOnly as MotifOnly,
    SecondMoment as SecondMoment,
)

__version__: str

__all__ = [
    "Architecture",
    "Cavity",
    "LowRank",
    "MotifOnly",
    "Motifs",
    "Network",
    "Parameters",
    "SecondMoment",
    "Targets",
    "as_network",
    "average",
    "check_feasible",
    "compile",
    "continuation",
    "derive",
    "distributions",
    "dmft",
    "errors",
    "explore",
    "export",
    "filters",
    "fit",
    "fitting",
    "fixed_point",
    "fixed_points",
    "fixed_points_batch",
    "inference",
    "inputs",
    "integrate",
    "load",
    "load_spec",
    "marginals",
    "measure",
    "nearest_feasible",
    "networks",
    "plots",
    "priors",
    "progress",
    "pure",
    "read_network",
    "reports",
    "response",
    "sample",
    "sampling",
    "scalar",
    "simulate",
    "simulation",
    "specs",
    "spectral_radius",
    "spectrum",
    "stability",
    "stacked",
    "strengths",
    "sweep",
    "sweeps",
    "transfer",
    "types",
    "verification",
    "verify",
    "violations",
    "without_reciprocity",
]
