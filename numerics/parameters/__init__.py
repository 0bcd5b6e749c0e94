"""The numbers of a network: parameters, motifs, inputs, feasibility, and every scalar by name."""

from . import inputs
from .couplings import Couplings, without_reciprocity
from .feasibility import (
    check_feasible,
    nearest_feasible,
    neuron_covariances,
    residual_moments,
    strength_covariances,
    violations,
)
from .files import (
    Number,
    ParametersSpec,
    PerPopulation,
    Strict,
    read_mapping,
    validate,
    write_parameters,
)
from .inputs import (
    Constant,
    Function,
    Held,
    Input,
    Signals,
    Steps,
    Table,
    Together,
    as_input,
    by_population,
    is_zero,
    pulse,
    signals,
)
from .motifs import Motifs
from .parameters import ARRAYS, FAMILIES, INPUTS, Parameters
from .scalars import MOTIFS, PARTNER, Scalar, entries_of, entry_names, names, scalar, stacked

__all__ = [
    "ARRAYS",
    "FAMILIES",
    "INPUTS",
    "MOTIFS",
    "PARTNER",
    "Constant",
    "Couplings",
    "Function",
    "Held",
    "Input",
    "Motifs",
    "Number",
    "Parameters",
    "ParametersSpec",
    "PerPopulation",
    "Scalar",
    "Signals",
    "Steps",
    "Strict",
    "Table",
    "Together",
    "as_input",
    "by_population",
    "check_feasible",
    "entries_of",
    "entry_names",
    "inputs",
    "is_zero",
    "names",
    "nearest_feasible",
    "neuron_covariances",
    "pulse",
    "read_mapping",
    "residual_moments",
    "scalar",
    "signals",
    "stacked",
    "strength_covariances",
    "validate",
    "violations",
    "without_reciprocity",
    "write_parameters",
]
