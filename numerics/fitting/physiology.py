"""Priors from measurements: of synaptic physiology, or of a connectome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import digamma, polygamma

from ...errors import ParameterError
from ..parameters import PARTNER, TENSORS
from .priors import LogNormal, Normal, Prior

DRAWS = 20_000  # of the variance of a synapse: its logarithm's mean is good to 1 % of its width
SEED = 0  # the same tables give the same priors


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
    """Priors of mean[p,q] and g[p,q] from probabilities of synapses and their amplitudes.

    With probability c, and amplitudes of mean m and standard deviation s across the synapses that
    are present,

        mean = c m,      g^2 / N = c (s^2 + m^2) - c^2 m^2

    c ~ Beta(k + 1/2, n - k + 1/2) (Jeffreys) for k of n probed pairs. m is log-normal with standard
    error s / sqrt(n') of n' measured synapses, s with the relative error 1 / sqrt(2 (n' - 1)) of
    normal amplitudes (skewed ones vary more). Both priors are log-normal, with the logarithm's mean
    and variance, and given as independent, though they share c and m.

    Args:
        populations: names.
        connected, probed: numbers of pairs, (P, P), row = target, or DataFrames with targets as
            index and sources as columns, as `read_connections` makes them.
        amplitude, amplitude_sd, amplitude_n: magnitudes, their standard deviations and numbers, as
            `read_amplitudes` makes them.
        excitatory: populations whose synapses are positive; those of the others are negative.
        N: neurons of the network, as in g.
        unit: input of the model per unit of the amplitudes.
        default: amplitude, its standard deviation and number where they are missing (NaN, or fewer
            than 2 synapses).

    Returns:
        {"mean[E,PV]": LogNormal(..., sign=-1), "g[E,PV]": LogNormal(...), ...}

    Raises:
        ParameterError: tables that do not fit the populations, or amplitudes that are missing.
    """
    names = [str(name) for name in populations]
    _check_scalars(names, excitatory, N=N, unit=unit)
    k, n = _square(connected, names, "connected"), _square(probed, names, "probed")
    sizes = {"amplitude": amplitude, "amplitude_sd": amplitude_sd, "amplitude_n": amplitude_n}
    m, s, count = (_square(v, names, name) for name, v in sizes.items())
    _check_counts(k, n, names)
    m, s, count = _with_default(m, s, count, default, names)
    rng = np.random.default_rng(SEED)
    priors: dict[str, Prior] = {}
    for (p, q), own in np.ndenumerate(m):
        at, sign = f"[{names[p]},{names[q]}]", 1 if names[q] in excitatory else -1
        seen: tuple[Any, ...] = (k[p, q], n[p, q], own, s[p, q], count[p, q])
        centre, width = _log_mean(*seen)
        priors[f"mean{at}"] = LogNormal(float(unit * np.exp(centre)), width, sign)
        log_g = np.log(unit) + 0.5 * np.log(N * _sampled_variance(rng, *seen))
        priors[f"g{at}"] = LogNormal(float(np.exp(log_g.mean())), float(log_g.std(ddof=1)))
    return priors


def _check_scalars(names: list[str], excitatory: Sequence[str], **positive: float) -> None:
    foreign = [name for name in excitatory if name not in names]
    if isinstance(excitatory, str) or foreign:
        raise ParameterError(
            f"excitatory is a list of populations, of {', '.join(names)}: {excitatory!r}"
        )
    for what, number in positive.items():
        if not (np.isfinite(number) and number > 0):
            raise ParameterError(f"{what} = {number} must be positive")


def measured_priors(estimates: Any) -> dict[str, Prior]:
    """Normal priors around the statistics of a connectome, as wide as their errors.

    Of mean, g, tau_con, tau_div, tau_chn and tau_rec; g = sqrt(N variance), with the error
    sqrt(N) error / (2 sqrt(variance)). Entries without a positive error (empty or constant blocks,
    populations of fewer than 3 neurons) get none.

    Args:
        estimates: statistics of `measure(network, errors=True)`.

    Raises:
        ParameterError: the statistics have no errors.
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
    for motif, name in TENSORS.items():
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


def _square(table: Any, names: list[str], what: str) -> np.ndarray:
    """(P, P), row = target; of a DataFrame, by name."""
    P = len(names)
    if hasattr(table, "reindex"):
        lost = [name for name in names if name not in table.index or name not in table.columns]
        if lost:
            raise ParameterError(
                f"{what} has no row or no column {lost[0]!r}: a DataFrame needs targets as index "
                "and sources as columns"
            )
        table = table.loc[names, names].to_numpy()
    try:
        values = np.asarray(table, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{what} holds something that is no number") from None
    if values.shape != (P, P):
        raise ParameterError(
            f"{what} has shape {values.shape}: for the populations {', '.join(names)} it needs "
            f"({P}, {P}), row = target"
        )
    return values


def _check_counts(k: np.ndarray, n: np.ndarray, names: list[str]) -> None:
    wrong = ~((k >= 0) & (k <= n) & np.isfinite(n) & (k == np.floor(k)) & (n == np.floor(n)))
    if wrong.any():
        p, q = np.argwhere(wrong)[0]
        raise ParameterError(
            f"from {names[q]} onto {names[p]}, connected = {k[p, q]:g} of probed = {n[p, q]:g}: "
            "these are counts, 0 <= connected <= probed"
        )


def _with_default(
    m: np.ndarray, s: np.ndarray, count: np.ndarray, default: Any, names: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    missing = np.isnan(m) | np.isnan(s) | np.isnan(count) | (count < 2)
    if missing.any() and default is None:
        p, q = np.argwhere(missing)[0]
        raise ParameterError(
            f"the amplitude from {names[q]} onto {names[p]} is missing, or of fewer than 2 "
            "synapses: fill it in, or give default=(amplitude, sd, n)"
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
            f"the amplitude from {names[q]} onto {names[p]}, {m[p, q]:g} with SD {s[p, q]:g} of "
            f"{count[p, q]:g} synapses: amplitudes are magnitudes, positive, of at least 2 synapses"
        )
    return m, s, count


def _log_amplitude(m: float, s: float, count: float) -> tuple[float, float]:
    """Mean and SD of the logarithm of a log-normal number of mean m and SD s / sqrt(count)."""
    square = float(np.log1p(s**2 / (count * m**2)))
    return float(np.log(m)) - square / 2, float(np.sqrt(square))


def _log_mean(k: float, n: float, m: float, s: float, count: float) -> tuple[float, float]:
    """Mean and SD of the logarithm of c m, c ~ Beta(k + 1/2, n - k + 1/2)."""
    centre, width = _log_amplitude(m, s, count)
    centre += float(digamma(k + 0.5) - digamma(n + 1))
    return centre, float(np.hypot(width, np.sqrt(polygamma(1, k + 0.5) - polygamma(1, n + 1))))


def _sampled_variance(
    rng: np.random.Generator, k: float, n: float, m: float, s: float, count: float
) -> np.ndarray:
    """Variance of a synapse, absent ones included, over what probability and amplitude may be."""
    c = rng.beta(k + 0.5, n - k + 0.5, DRAWS)
    centre, width = _log_amplitude(m, s, count)
    mean = np.exp(centre + width * rng.standard_normal(DRAWS))
    relative = np.log1p(1 / (2 * (count - 1)))
    sd = s * np.exp(-relative / 2 + np.sqrt(relative) * rng.standard_normal(DRAWS))
    return np.maximum(c * (sd**2 + (1 - c) * mean**2), np.finfo(float).tiny)
