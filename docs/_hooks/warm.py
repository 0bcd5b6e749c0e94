"""What nearly every page imports: loaded once, before the pages are run in copies of a process."""

import warnings

import jax  # noqa: F401
import matplotlib

matplotlib.use("svg")

import diffrax  # noqa: F401
import matplotlib.pyplot
import optimistix  # noqa: F401
import pandas  # noqa: F401
import scipy.stats  # noqa: F401
import sympy  # noqa: F401
import xarray  # noqa: F401

import motifield.numerics.system  # noqa: F401

# no computation has begun in the process that is copied
warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
