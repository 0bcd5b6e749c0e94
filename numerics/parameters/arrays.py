"""Arrays over populations from what a user gives: numbers, lists, mappings by population."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...errors import ParameterError
from ...names import names_fault
from ...numbers import LARGEST, brief
from .motifs import Motifs
from .reals import real, reals
from .tables import PARTNER, RANKS, TENSORS

ROUNDING = 1e-9  # fractions that come from divisions sum to 1 up to this
SYMMETRY = (1e-9, 1e-14)  # relative and absolute: sums over a network in another order
MOST_NEURONS = 1e15  # integers up to it are exact in float64
SHOWN = 16  # numbers that a repr lists, of a 4 x 4 matrix

INDICES = {
    "tau_con": ("p,q,r", "q and r"),
    "tau_div": ("q,p,r", "p and r"),
    "tau_rec": ("p,q", "p and q"),
}
"""How an error names the indices of a tensor, and the two whose exchange must not matter."""


def population_names(
    populations: Sequence[str] | None, fractions: Any, mean: Any
) -> tuple[str, ...]:
    """Names of the populations: given ones, the keys of `fractions`, or "1", "2", ...

    Raises:
        ParameterError: none, a name that occurs twice, or one that no population can have.
    """
    if populations is None and isinstance(fractions, Mapping):
        populations = list(fractions)
    elif populations is None:
        populations = [str(k + 1) for k in range(max(_length(fractions), _length(mean)))]
    if isinstance(populations, str) or not isinstance(populations, Iterable):
        raise ParameterError(f"populations must be a list of names: {brief(populations)}")
    names = tuple(str(p) for p in populations)
    if reason := names_fault(names):
        raise ParameterError(reason)
    return names


def _length(value: Any) -> int:
    """Of a list or an array; 1 of what has no length, and of mappings."""
    if isinstance(value, (str, Mapping)) or not getattr(value, "ndim", 1):
        return 1
    return len(value) if hasattr(value, "__len__") else 1


NUMBERS = ("N", "fractions", "mean", "g", *TENSORS.values(), "tau_inp", "noise")
"""Arrays of parameters that have conditions of their own."""


def check_numbers(parameters: Any) -> None:
    """Raise an error for values that no parameters have, after some were set by name.

    Args:
        parameters: numbers, none traced.

    Raises:
        ParameterError: a wrong sign, sum or symmetry.
    """
    own = ("N", "fractions", "mean", "g", "motifs", "tau_inp", "noise")
    checked_arrays(parameters.populations, **{name: getattr(parameters, name) for name in own})


def wrong_numbers(batch: Any) -> np.ndarray:
    """Of each set of a batch, whether `check_numbers` refuses it, (n,)."""
    arrays = {name: np.asarray(getattr(batch, name)) for name in NUMBERS}
    count = len(arrays["N"])
    wrong = [np.any(~(np.abs(v.reshape(count, -1)) <= LARGEST), axis=1) for v in arrays.values()]
    with np.errstate(invalid="ignore"):
        return np.any([*wrong, *_broken(arrays).values()], axis=0)


def _broken(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Whether each array breaks its condition, in one set of parameters or in many, (...)."""
    alpha, N = arrays["fractions"], arrays["N"]
    return {
        "fractions": np.any(alpha <= 0, axis=-1) | (np.abs(alpha.sum(axis=-1) - 1) > ROUNDING),
        "N": ~((N >= 1) & (N <= MOST_NEURONS)),
        "g": np.any(arrays["g"] < 0, axis=(-1, -2)),
        "noise": np.any(arrays["noise"] < 0, axis=-1),
        **{
            name: ~np.all(
                np.isclose(arrays[name], _partner(arrays[name], name), *SYMMETRY),
                axis=tuple(range(-RANKS[name], 0)),
            )
            for name in PARTNER
        },
    }


def _partner(array: np.ndarray, name: str) -> np.ndarray:
    """With the two indices exchanged whose exchange must not matter."""
    lead = array.ndim - RANKS[name]
    return array.transpose(*range(lead), *(lead + axis for axis in PARTNER[name]))


def checked_arrays(
    names: Sequence[str],
    *,
    N: float,
    fractions: Any,
    mean: Any,
    g: Any,
    motifs: Motifs,
    tau_inp: Any,
    noise: Any,
) -> dict[str, Any]:
    """The arrays of `Parameters` by name, with their shapes, signs and symmetries checked.

    Raises:
        ParameterError: a wrong shape, sign, sum or symmetry.
    """
    shape = (len(names),)
    arrays = {
        "N": np.asarray(real(N, "N")),
        "fractions": by_population(fractions, names, "fractions"),
        "mean": matrix(mean, names, "mean"),
        "g": matrix(g, names, "g"),
        **{
            name: tensor(getattr(motifs, motif), shape * RANKS[name], name, names)
            for motif, name in TENSORS.items()
        },
        "tau_inp": matrix(tau_inp, names, "tau_inp"),
        "noise": by_population(noise, names, "noise"),
    }
    for name, is_broken in _broken(arrays).items():
        if is_broken:
            raise ParameterError(_fault(name, arrays[name], names))
    return {**arrays, "N": float(arrays["N"])}


def _fault(name: str, value: np.ndarray, names: Sequence[str]) -> str:
    """What is wrong with an array that breaks its condition."""
    if name == "fractions":
        return f"fractions must be positive and sum to 1: {_by_name(names, value.tolist())}"
    if name == "N":
        return f"N = {value:g} must be a number of neurons, at least 1 and at most {MOST_NEURONS:g}"
    if name == "g":
        return f"g is a standard deviation and must not be negative: {value.tolist()}"
    if name == "noise":
        own = _by_name(names, value.tolist())
        return f"noise is half an intensity and must not be negative: {own}"
    indices, pair = INDICES[name]
    return (
        f"{name}[{indices}] must be symmetric in {pair}; largest difference "
        f"{np.abs(value - _partner(value, name)).max():.3g}"
    )


def coefficients_of(covariances: Motifs, variance: np.ndarray, names: Sequence[str]) -> Motifs:
    """Correlation coefficients from covariances of pairs of synapses and their variance, (P, P).

    tau = covariance / sqrt(variance * variance'), and 0 where a variance is 0: an empty block has
    no covariance.

    Raises:
        ParameterError: a covariance that is not 0 where a variance is.
    """
    s, P = np.sqrt(variance), len(names)
    scales = Motifs(
        convergent=s[:, :, None] * s[:, None, :],
        divergent=s.T[:, :, None] * s.T[:, None, :],
        chain=s[:, :, None] * s[None, :, :],
        reciprocal=s * s.T,
    )
    tau = {}
    for name, covariance in covariances._asdict().items():
        scale = getattr(scales, name)
        c = tensor(covariance, scale.shape, name, names)
        if np.any((scale == 0) & (c != 0)) and np.ndim(covariance) > 0:
            raise ParameterError(f"{name}: a covariance is not 0 where a synapse's variance is 0")
        tau[name] = np.divide(c, scale, out=np.zeros((P,) * scale.ndim), where=scale > 0)
    return Motifs(**tau)


def by_population(value: Any, populations: Sequence[str], name: str) -> np.ndarray:
    """One finite number per population, shape (P,), from a number, a list or a mapping by name.

    Raises:
        ParameterError: another shape, a population that is not there, or no finite number.
    """
    P = len(populations)
    if isinstance(value, Mapping):
        if set(value) != set(populations):
            raise ParameterError(
                f"{name} names {sorted(map(str, value))}, the populations are {list(populations)}"
            )
        value = [value[p] for p in populations]
    array = reals(value, name, populations)
    if array.shape not in ((), (1,), (P,)):
        raise ParameterError(
            f"{name} has shape {array.shape}; it needs one number, or one per population: ({P},)"
        )
    return np.broadcast_to(array, (P,)).copy()


def matrix(value: Any, names: Sequence[str], what: str) -> np.ndarray:
    """A finite (P, P) array, row = target, from an array, a number or {target: {source: value}}."""
    if isinstance(value, Mapping):
        if set(value) != set(names):
            raise ParameterError(
                f"{what} has rows for {sorted(map(str, value))}, the populations are {list(names)}"
            )
        value = np.stack([by_population(value[p], names, f"{what}[{p}]") for p in names])
    return tensor(value, (len(names), len(names)), what, names)


def tensor(value: Any, shape: tuple[int, ...], what: str, names: Sequence[str]) -> np.ndarray:
    """A finite array of this shape from one or from a number."""
    array = reals(value, what, names)
    if array.shape not in ((), shape):
        raise ParameterError(
            f"{what} has shape {array.shape}; for populations {list(names)} it needs {shape} or a "
            "scalar"
        )
    return np.broadcast_to(array, shape).copy()


def named_values(kind: str, given: Any) -> Mapping[str, Any]:
    """Parameters of functions or filters by name; none for None."""
    if given is not None and not isinstance(given, Mapping):
        what = "transfer functions" if kind == "transfer" else f"{kind} filters"
        raise ParameterError(
            f"{kind} maps names of parameters of the {what} to values, such as {{'gain': 2.0}}: "
            f"{given!r}"
        )
    return given or {}


def traced_per_population(value: Any, populations: Sequence[str], name: str) -> Array:
    """One number per population, (P,), of numbers or tracers, also as a mapping by population."""
    P = len(populations)
    if isinstance(value, Mapping):
        if set(value) != set(populations):
            raise ParameterError(
                f"{name} needs a value for each of {', '.join(populations)}, not for "
                f"{', '.join(map(str, value)) or 'none'}"
            )
        value = [value[p] for p in populations]
    try:
        return jnp.broadcast_to(jnp.asarray(value, dtype=float), (P,))
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be a number or {P} numbers, not {value!r}") from None


def shown(array: Any) -> str:
    """An array in a line: one number if all are equal, all of a few, else their range and shape."""
    if isinstance(array, jax.core.Tracer) or not hasattr(array, "shape"):
        return str(array)
    values = np.asarray(array)
    if values.size == 0 or values.dtype.kind not in "fi":
        return str(values.tolist())
    if np.ptp(values) == 0:
        return f"{values.flat[0]:.4g}"
    if values.size <= SHOWN and values.ndim <= 2:
        rows = (" ".join(f"{v:.4g}" for v in row) for row in np.atleast_2d(values))
        return "[" + ("; ".join(rows)) + "]"
    return f"{values.min():.4g} to {values.max():.4g}, shape {values.shape}"


def _by_name(names: Sequence[str], values: list[float]) -> dict[str, float]:
    return dict(zip(names, values, strict=True))
