"""Errors that say what happened, where, and what to do."""


class MotifieldError(Exception):
    """Base class of every error that a user can cause and mend."""


class ParameterError(MotifieldError, ValueError):
    """A parameter has the wrong shape, sign or value."""


class InfeasibleStatisticsError(ParameterError):
    """No network has the requested synaptic statistics (theory: decomposition of the synapses)."""


class PrecisionError(MotifieldError, RuntimeError):
    """JAX runs in single precision where double precision is needed."""


class NetworkError(MotifieldError, ValueError):
    """A network, edge list or label table cannot be used as given."""


class SolverError(MotifieldError, RuntimeError):
    """A solver did not converge, or a solution diverged (raised only on `throw=True`)."""


class ExpressionError(MotifieldError, ValueError):
    """A text is not an expression of the permitted kind."""


class ArchitectureError(MotifieldError, ValueError):
    """An architecture is inconsistent, or names something unknown."""


class NoClosedFormError(MotifieldError, ValueError):
    """A Gaussian average has no closed form among the known rules."""


class SpecError(MotifieldError, ValueError):
    """A spec file is missing, cannot be read, or has an unknown or malformed entry."""


class FileError(MotifieldError, OSError):
    """A file cannot be written, or would be written over while it is read."""
