"""Networks with given synaptic statistics: samplers, marginals, and matrices drawn on the fly."""

from .numerics.sampling import (
    Dense as Dense,
    Gaussian as Gaussian,
    MatrixFree as MatrixFree,
    Sampler as Sampler,
    Sparse as Sparse,
    marginals as marginals,
    matrix_free as matrix_free,
    sample as sample,
)
