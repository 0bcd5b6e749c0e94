"""Networks with given synaptic statistics: Gaussian, any marginal, sparse, or drawn on the fly."""

from . import marginals
from .dense import Dense
from .on_the_fly import MatrixFree, matrix_free
from .samplers import Gaussian, Sampler, sample
from .sparse import Sparse

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
