"""How strengths of neurons are distributed, and what synapses know of them."""

from .numerics.distributions import joined as joined
from .numerics.networks import (
    ComponentNumbers as ComponentNumbers,
    NeuronStrengths as NeuronStrengths,
    assortativity as assortativity,
    assortativity_errors as assortativity_errors,
    component_numbers as component_numbers,
    ensemble_assortativity as ensemble_assortativity,
    measure_strengths as measure_strengths,
    neuron_strengths as neuron_strengths,
    split_by_strength as split_by_strength,
    strength_classes as strength_classes,
    with_strengths as with_strengths,
)
from .numerics.parameters import (
    Strengths as Strengths,
    motifs_of_strengths as motifs_of_strengths,
)
from .theory.architecture import (
    Empirical as Empirical,
    Gaussian as Gaussian,
    Mixture as Mixture,
)
