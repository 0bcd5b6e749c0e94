"""Targets of fits: tables and files of measured numbers, single neurons, covariances."""

from .covariance import whitened as whitened, whitening as whitening, without as without
from .neuron_tables import read_cells as read_cells
from .pools import Pools as Pools
from .targets import Targets as Targets
