"""motifield: mean-field equations of random recurrent networks with correlated synapses.

The public names: `motifield/__init__.py` loads each of them when it is first used.
"""

from . import continuation as continuation
from . import distributions as distributions
from . import dmft as dmft
from . import errors as errors
from . import export as export
from . import fitting as fitting
from . import inference as inference
from . import inputs as inputs
from . import networks as networks
from . import plots as plots
from . import priors as priors
from . import pure as pure
from . import reports as reports
from . import sampling as sampling
from . import simulation as simulation
from . import specs as specs
from . import types as types
from . import verification as verification
from .numerics.fitting import fit as fit
from .numerics.fixed_points import fixed_point as fixed_point
from .numerics.fixed_points import fixed_points as fixed_points
from .numerics.fixed_points import fixed_points_batch as fixed_points_batch
from .numerics.fixed_points import response as response
from .numerics.networks import Network as Network
from .numerics.networks import as_network as as_network
from .numerics.networks import measure as measure
from .numerics.networks import read_network as read_network
from .numerics.networks import spectral_radius as spectral_radius
from .numerics.parameters import Motifs as Motifs
from .numerics.parameters import Parameters as Parameters
from .numerics.parameters import check_feasible as check_feasible
from .numerics.parameters import nearest_feasible as nearest_feasible
from .numerics.parameters import scalar as scalar
from .numerics.parameters import stacked as stacked
from .numerics.parameters import violations as violations
from .numerics.parameters import without_reciprocity as without_reciprocity
from .numerics.results import load as load
from .numerics.sampling import marginals as marginals
from .numerics.sampling import sample as sample
from .numerics.simulation import simulate as simulate
from .numerics.spec import load_spec as load_spec
from .numerics.stability import spectrum as spectrum
from .numerics.stability import stability as stability
from .numerics.system import average as average
from .numerics.system import compile as compile
from .numerics.system import integrate as integrate
from .numerics.targets import Targets as Targets
from .numerics.verification import verify as verify
from .theory.architecture import Architecture as Architecture
from .theory.architecture import filters as filters
from .theory.architecture import transfer as transfer
from .theory.derivation import derive as derive
from .theory.equations import Cavity as Cavity
from .theory.equations import LowRank as LowRank
from .theory.equations import MotifOnly as MotifOnly
from .theory.equations import SecondMoment as SecondMoment

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
    "transfer",
    "types",
    "verification",
    "verify",
    "violations",
    "without_reciprocity",
]
