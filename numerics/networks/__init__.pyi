"""Networks from files and memory, their statistics and the errors of these."""

from .classes import (
    ComponentNumbers as ComponentNumbers,
    component_numbers as component_numbers,
    split_by_strength as split_by_strength,
    strength_classes as strength_classes,
)
from .communities import find_populations as find_populations
from .composition import anatomy as anatomy
from .edges import read_edges as read_edges
from .files import SUFFIXES as SUFFIXES
from .jackknife import StandardErrors as StandardErrors
from .network import Network as Network, as_seed as as_seed, name_at as name_at
from .options import CHOICES as CHOICES, ReadOptions as ReadOptions
from .radius import spectral_radius as spectral_radius
from .readers import read_network as read_network
from .regression_errors import assortativity_errors as assortativity_errors
from .sources import as_network as as_network
from .statistics import Statistics as Statistics, measure as measure
from .strengths import (
    COMPONENTS as COMPONENTS,
    NeuronStrengths as NeuronStrengths,
    assortativity as assortativity,
    measure_strengths as measure_strengths,
    neuron_strengths as neuron_strengths,
    with_strengths as with_strengths,
)
from .unattenuated import ensemble_assortativity as ensemble_assortativity
