"""The numbers of a network: parameters, motifs, inputs, feasibility, and every scalar by name."""

from . import inputs as inputs
from .arrays import (
    by_population as by_population,
    check_numbers as check_numbers,
    shown as shown,
    wrong_numbers as wrong_numbers,
)
from .batches import (
    require_batch as require_batch,
    rows_of as rows_of,
    set_of as set_of,
)
from .conditions import (
    neuron_covariances as neuron_covariances,
    residual_moments as residual_moments,
    strength_covariances as strength_covariances,
)
from .couplings import (
    Couplings as Couplings,
    explained_share as explained_share,
    without_reciprocity as without_reciprocity,
)
from .feasibility import (
    check_feasible as check_feasible,
    feasible_batch as feasible_batch,
    nearest_feasible as nearest_feasible,
    synaptic_units as synaptic_units,
    unexplained_moments as unexplained_moments,
    violations as violations,
)
from .files import (
    Number as Number,
    ParametersSpec as ParametersSpec,
    PerPopulation as PerPopulation,
    Strict as Strict,
    read_mapping as read_mapping,
    tables_in as tables_in,
    validate as validate,
    write_parameters as write_parameters,
)
from .inputs import (
    Columns as Columns,
    Constant as Constant,
    Function as Function,
    Held as Held,
    Input as Input,
    Signals as Signals,
    Steps as Steps,
    Table as Table,
    Together as Together,
    as_input as as_input,
    is_zero as is_zero,
    named_inputs as named_inputs,
    pulse as pulse,
    signals as signals,
    vanishes as vanishes,
)
from .jumps import longest_step as longest_step, with_jumps as with_jumps
from .motifs import Motifs as Motifs
from .negative_variances import (
    are_faulty as are_faulty,
    current_scale as current_scale,
    faulty_populations as faulty_populations,
    negative_variance_text as negative_variance_text,
)
from .parameters import (
    Parameters as Parameters,
    all_inputs as all_inputs,
    with_all_inputs as with_all_inputs,
)
from .scalars import (
    Scalar as Scalar,
    entries_of as entries_of,
    entry_names as entry_names,
    names as names,
    scalar as scalar,
    stacked as stacked,
)
from .strength_motifs import motifs_of_strengths as motifs_of_strengths
from .strengths import (
    Strengths as Strengths,
    explained as explained,
    linear_features as linear_features,
    padded as padded,
)
from .tables import (
    ARRAYS as ARRAYS,
    DIMS as DIMS,
    FAMILIES as FAMILIES,
    FILTERS as FILTERS,
    INPUTS as INPUTS,
    MOTIFS as MOTIFS,
    NAMED_INPUTS as NAMED_INPUTS,
    NEURONS as NEURONS,
    PARTNER as PARTNER,
    TENSORS as TENSORS,
)
