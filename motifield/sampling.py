"""Networks with given synaptic statistics: samplers, marginals, and matrices drawn on the fly."""

from .numerics.sampling import (
    Dense,
    Gaussian,
    MatrixFree,
    Sampler,
    Sparse,
    marginals,
    matrix_free,
    sample,
)

__all__ = [
    "Dense",
    "Gaussian",
    "MatrixFree",
    "Sampler",
    "Sparse",
    "marginals",
    "matrix_free",
    "sample",
]
