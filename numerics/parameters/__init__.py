"""The numbers of a network: parameters, motifs, inputs, feasibility, and every scalar by name."""

from . import inputs
from .arrays import by_population, shown
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
    is_zero,
    pulse,
    signals,
)
from .jumps import longest_step, with_jumps
from .motifs import Motifs
from .parameters import Parameters
from .scalars import Scalar, entries_of, entry_names, names, scalar, stacked
from .tables import (
    ARRAYS,
    DIMS,
    FAMILIES,
    FILTERS,
    INPUTS,
    MOTIFS,
    NEURONS,
    PARTNER,
    TENSORS,
)

__all__ = [
    "ARRAYS",
    "DIMS",
    "FAMILIES",
    "FILTERS",
    "INPUTS",
    "MOTIFS",
    "NEURONS",
    "PARTNER",
    "TENSORS",
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
    "longest_step",
    "names",
    "nearest_feasible",
    "neuron_covariances",
    "pulse",
    "read_mapping",
    "residual_moments",
    "scalar",
    "shown",
    "signals",
    "stacked",
    "strength_covariances",
    "validate",
    "violations",
    "with_jumps",
    "without_reciprocity",
    "write_parameters",
]
