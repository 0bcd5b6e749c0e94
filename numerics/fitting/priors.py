"""What is known of parameters before a fit: from physiology, or from a connectome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import digamma, ndtri, polygamma

from ...errors import ParameterError
from ..parameters import PARTNER

DRAWS, SEED = 20_000, 0


@dataclass(frozen=True)
class Normal:
    """value ~ N(mean, sd^2). Raises `ParameterError` unless sd > 0."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mean) and np.isfinite(self.sd) and self.sd > 0):
            raise ParameterError(
                f"Normal(mean={self.mean}, sd={self.sd}): both must be finite, sd positive"
            )

    def residual(self, value: Float[Array, " *shape"]) -> Float[Array, " *shape"]:
        """(value - mean) / sd; half its square is minus the logarithm of the density, but for a constant. Pure."""
        return (value - self.mean) / self.sd

    def sample(self, key: Array | np.random.Generator, n: int) -> Any:
        """n independent values, from a JAX key or a NumPy generator."""
        return self.mean + self.sd * _standard_normal(key, n)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The central interval that has this probability."""
        half = self.sd * _half_width(level)
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class LogNormal:
    """log(sign value) ~ N(log median, sigma^2): a quantity of one sign. Raises `ParameterError` unless median > 0 (a magnitude), sigma > 0.

    median: of |value|; sigma: standard deviation of log |value|; sign: 1, or -1 for inhibition
    """

    median: float
    sigma: float
    sign: int = 1

    def __post_init__(self) -> None:
        if not (
            np.isfinite(self.median)
            and self.median > 0
            and np.isfinite(self.sigma)
            and self.sigma > 0
        ):
            raise ParameterError(
                f"LogNormal(median={self.median}, sigma={self.sigma}): both must be finite and positive; the sign is apart, sign=-1"
            )
        if self.sign not in (1, -1):
            raise ParameterError(f"LogNormal(sign={self.sign}): the sign is 1 or -1")

    def residual(self, value: Float[Array, " *shape"]) -> Float[Array, " *shape"]:
        """(log(sign value) - log median) / sigma; half its square is minus the logarithm of the density of log(sign value), but for a
        constant. Not finite for 0 and for the other sign. Pure.
        """
        return (jnp.log(self.sign * value) - float(np.log(self.median))) / self.sigma

    def sample(self, key: Array | np.random.Generator, n: int) -> Any:
        """n independent values, from a JAX key or a NumPy generator."""
        exponent = self.sigma * _standard_normal(key, n)
        return (
            self.sign
            * self.median
            * (np.exp(exponent) if isinstance(key, np.random.Generator) else jnp.exp(exponent))
        )

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The interval that has this probability, with as much below it as above."""
        factor = float(np.exp(self.sigma * _half_width(level)))
        ends = self.sign * self.median / factor, self.sign * self.median * factor
        return min(ends), max(ends)


Prior = Normal | LogNormal


def synaptic_priors(
    populations: Sequence[str],
    connected: Any,
    probed: Any,
    amplitude: Any,
    amplitude_sd: Any,
    amplitude_n: Any,
    *,
    excitatory: Sequence[str],
    N: float,
    unit: float = 1.0,
    default: tuple[float, float, float] | None = None,
) -> dict[str, Prior]:
    """Priors of mean[p,q] and g[p,q] from the probability of a synapse and the amplitudes of those that are present.

    With probability c, and amplitudes of mean m and standard deviation s across the present synapses,

        mean = c m,      g^2 / N = c (s^2 + m^2) - c^2 m^2

    c ~ Beta(k + 1/2, n - k + 1/2) (Jeffreys) for k of n probed pairs; m is log-normal with standard error s / sqrt(n') of n' measured
    synapses, and s with the relative error 1 / sqrt(2 (n' - 1)) of normal amplitudes (skewed ones vary more). Both priors are log-normal
    with the mean and variance that the logarithm has: of c m in closed form, of g by sampling. They are given as independent, though they
    share c and m.

    connected, probed, amplitude, amplitude_sd, amplitude_n: (P, P), row = target, or pandas DataFrames with targets as index and sources
        as columns; amplitudes are magnitudes; `read_connections` and `read_amplitudes` make such tables
    excitatory: populations whose synapses are positive; those of the others are negative
    N: neurons of the network, as in g; unit: input of the model per unit of the amplitudes
    default: amplitude, its standard deviation and number where they are missing (NaN, or fewer than 2 synapses)

    Returns {"mean[E,PV]": LogNormal(..., sign=-1), "g[E,PV]": LogNormal(...), ...}. Raises `ParameterError` for tables that do not fit
    the populations, counts that are none, and missing amplitudes without a default.
    """
    names = [str(name) for name in populations]
    foreign = [name for name in excitatory if name not in names]
    if isinstance(excitatory, str) or foreign:
        raise ParameterError(
            f"excitatory is a list of populations, of {', '.join(names)}: {excitatory!r}"
        )
    for what, number in (("N", N), ("unit", unit)):
        if not (np.isfinite(number) and number > 0):
            raise ParameterError(f"{what} = {number} must be positive")
    k, n = _square(connected, names, "connected"), _square(probed, names, "probed")
    m, s, count = (
        _square(v, names, name)
        for v, name in (
            (amplitude, "amplitude"),
            (amplitude_sd, "amplitude_sd"),
            (amplitude_n, "amplitude_n"),
        )
    )
    _check_counts(k, n, names)
    m, s, count = _with_default(m, s, count, default, names)
    rng = np.random.default_rng(SEED)
    priors: dict[str, Prior] = {}
    for p, target in enumerate(names):
        for q, source in enumerate(names):
            sign = 1 if source in excitatory else -1
            at = f"[{target},{source}]"
            centre, width = _log_amplitude(m[p, q], s[p, q], count[p, q])
            centre += float(digamma(k[p, q] + 0.5) - digamma(n[p, q] + 1))
            width = float(
                np.hypot(width, np.sqrt(polygamma(1, k[p, q] + 0.5) - polygamma(1, n[p, q] + 1)))
            )
            priors[f"mean{at}"] = LogNormal(float(unit * np.exp(centre)), width, sign)
            log_g = np.log(unit) + 0.5 * np.log(
                N * _sampled_variance(k[p, q], n[p, q], m[p, q], s[p, q], count[p, q], rng)
            )
            priors[f"g{at}"] = LogNormal(float(np.exp(log_g.mean())), float(log_g.std(ddof=1)))
    return priors


def measured_priors(estimates: Any) -> dict[str, Prior]:
    """Normal priors of mean, g, tau_con, tau_div, tau_chn and tau_rec around what was measured on a connectome, as wide as its errors.

    g = sqrt(N variance), with the error sqrt(N) error / (2 sqrt(variance)). Entries without a positive error (empty or constant blocks,
    populations of fewer than 3 neurons) get none. estimates: of `measure(network, errors=True)`. Raises `ParameterError` for statistics without
    errors.
    """
    errors = getattr(estimates, "errors", None)
    if errors is None:
        raise ParameterError(
            "the statistics have no standard errors: use measure(network, errors=True)"
        )
    variance, N = np.asarray(estimates.variance), sum(estimates.sizes)
    root = np.sqrt(N * variance)
    slope = np.divide(N, 2 * root, out=np.zeros_like(root), where=root > 0)
    pairs = {"mean": (estimates.mean, errors.mean), "g": (root, slope * errors.variance)}
    for name, motif in (
        ("tau_con", "convergent"),
        ("tau_div", "divergent"),
        ("tau_chn", "chain"),
        ("tau_rec", "reciprocal"),
    ):
        pairs[name] = getattr(estimates.tau, motif), getattr(errors.tau, motif)
    priors: dict[str, Prior] = {}
    for name, (value, error) in pairs.items():
        centre, width = np.asarray(value), np.asarray(error)
        for at in np.ndindex(centre.shape):
            partner = tuple(at[axis] for axis in PARTNER[name]) if name in PARTNER else at
            if partner >= at and np.isfinite(width[at]) and width[at] > 0:
                label = ",".join(estimates.populations[i] for i in at)
                priors[f"{name}[{label}]"] = Normal(float(centre[at]), float(width[at]))
    return priors


def _standard_normal(key: Any, n: int) -> Any:
    return (
        key.standard_normal(n)
        if isinstance(key, np.random.Generator)
        else jax.random.normal(key, (n,))
    )


def _half_width(level: float) -> float:
    if not 0 < level < 1:
        raise ParameterError(f"level = {level} of an interval must lie between 0 and 1")
    return float(ndtri(0.5 + level / 2))


def _square(table: Any, names: list[str], what: str) -> np.ndarray:
    """(P, P), row = target; of a DataFrame, by name."""
    P = len(names)
    if hasattr(table, "reindex"):
        lost = [name for name in names if name not in table.index or name not in table.columns]
        if lost:
            raise ParameterError(
                f"{what} has no row or no column {lost[0]!r}: a DataFrame needs targets as index and sources as columns"
            )
        table = table.loc[names, names].to_numpy()
    try:
        values = np.asarray(table, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{what} holds something that is no number") from None
    if values.shape != (P, P):
        raise ParameterError(
            f"{what} has shape {values.shape}: for the populations {', '.join(names)} it needs ({P}, {P}), row = target"
        )
    return values


def _check_counts(k: np.ndarray, n: np.ndarray, names: list[str]) -> None:
    wrong = ~((k >= 0) & (k <= n) & np.isfinite(n) & (k == np.floor(k)) & (n == np.floor(n)))
    if wrong.any():
        p, q = np.argwhere(wrong)[0]
        raise ParameterError(
            f"from {names[q]} onto {names[p]}, connected = {k[p, q]:g} of probed = {n[p, q]:g}: these are counts, "
            "0 <= connected <= probed"
        )


def _with_default(
    m: np.ndarray, s: np.ndarray, count: np.ndarray, default: Any, names: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    missing = np.isnan(m) | np.isnan(s) | np.isnan(count) | (count < 2)
    if missing.any() and default is None:
        p, q = np.argwhere(missing)[0]
        raise ParameterError(
            f"the amplitude from {names[q]} onto {names[p]} is missing, or of fewer than 2 synapses: fill it in, "
            "or give default=(amplitude, sd, n)"
        )
    if default is not None:
        m, s, count = (
            np.where(missing, number, values)
            for number, values in zip(default, (m, s, count), strict=True)
        )
    wrong = ~((m > 0) & (s > 0) & (count >= 2) & np.isfinite(m) & np.isfinite(s))
    if wrong.any():
        p, q = np.argwhere(wrong)[0]
        raise ParameterError(
            f"the amplitude from {names[q]} onto {names[p]}, {m[p, q]:g} with SD {s[p, q]:g} of {count[p, q]:g} synapses: "
            "amplitudes are magnitudes, positive, of at least 2 synapses"
        )
    return m, s, count


def _log_amplitude(m: float, s: float, count: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of a log-normal number with mean m and standard deviation s / sqrt(count)."""
    square = float(np.log1p(s**2 / (count * m**2)))
    return float(np.log(m)) - square / 2, float(np.sqrt(square))


def _sampled_variance(
    k: float, n: float, m: float, s: float, count: float, rng: np.random.Generator
) -> np.ndarray:
    """Variance of a synapse, absent ones included, over the uncertainty of probability and amplitude."""
    c = rng.beta(k + 0.5, n - k + 0.5, DRAWS)
    centre, width = _log_amplitude(m, s, count)
    mean = np.exp(centre + width * rng.standard_normal(DRAWS))
    relative = np.log1p(1 / (2 * (count - 1)))
    sd = s * np.exp(-relative / 2 + np.sqrt(relative) * rng.standard_normal(DRAWS))
    return np.maximum(c * (sd**2 + (1 - c) * mean**2), np.finfo(float).tiny)
