"""The names of a network's numbers: one table each for arrays, motif classes, inputs, functions."""

from __future__ import annotations

DIMS: dict[str, tuple[str, ...]] = {
    "N": (),
    "fractions": ("population",),
    "mean": ("target", "source"),
    "g": ("target", "source"),
    "tau_con": ("target", "source", "source2"),
    "tau_div": ("source", "target", "target2"),
    "tau_chn": ("target", "middle", "source"),
    "tau_rec": ("target", "source"),
    "tau_inp": ("target", "source"),
    "noise": ("population",),
}
"""The arrays of `Parameters`, and what their axes are."""

ARRAYS = tuple(DIMS)

TENSORS = {
    "convergent": "tau_con",
    "divergent": "tau_div",
    "chain": "tau_chn",
    "reciprocal": "tau_rec",
}
"""Classes of motifs, and the array that holds the correlation coefficients of each."""

MOTIFS = tuple(TENSORS.values())

PARTNER = {"tau_con": (0, 2, 1), "tau_div": (0, 2, 1), "tau_rec": (1, 0)}
"""The order of the axes in which an array is the same: an entry's partner has the same value."""

INPUTS = ("input", "in_strength", "spread")
"""Parameters that are functions of time."""

NAMED_INPUTS = ("pattern_input",)
"""Those of which there are several with names of their own, one for each pattern of neurons."""

FILTERS = ("membrane", "synapse")

FAMILIES = ("transfer", *FILTERS)
"""Parameters of transfer functions and of filters, which have names of their own."""

NEURONS = (*INPUTS, *NAMED_INPUTS, *FAMILIES, "noise")
"""Parameters of single neurons: all that is not about synapses or sizes."""

RANKS = {**{name: len(axes) for name, axes in DIMS.items()}, **dict.fromkeys(INPUTS, 1)}
"""How many populations index an entry."""
