"""Networks of N neurons beside the states that were fitted: how far, and whether there at all.

`motifield.verification.finite_size` says how far the mean rates of single networks lie from the
theory, to leading order in 1/N. Where that is a large part of the rates themselves, linear response
ends: some networks have lost the state at a fold. `share` says how many, without synapses.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import stats

import motifield as mf

LARGEST_SPREAD = 0.1
"""Standard deviation over networks of a population's mean rate, as a part of it.

Up to this all networks of sampled neurons settle (`share`); at a quarter three in four do.
"""
RARE = 2 * stats.norm.sf(3.0)  # a difference so improbable, among all powers, counts as one
TIME, STEP = 60.0, 0.1  # of networks of sampled neurons, in time constants; `confirm` waits as long
SQUARES = 20  # iterations of the mean squared rates at the theory's mean rates
RESTLESS = 1e-3  # relative change of rates per time constant, as of `confirm`

Found = dict[str, mf.verification.FiniteSize]


def expected(own: mf.types.System, fit: mf.fitting.Fit, neurons: int) -> Found:
    """Finite-size theory of the fit's state at every power."""
    return {power: _at(own, fit, power, neurons) for power in fit.problem.conditions}


def dark(own: mf.types.System, fit: mf.fitting.Fit) -> mf.verification.FiniteSize:
    """Finite-size theory of the state without laser, for the fit's own number of neurons.

    Beside a fold this number must stay: corrections to convergence of order 1/N move the fold.
    """
    power = fit.problem.conditions[0]
    return _at(own, fit, power, round(float(fit.parameters(power).N)))


def _at(
    own: mf.types.System, fit: mf.fitting.Fit, power: str, neurons: int
) -> mf.verification.FiniteSize:
    state = fit.minima.states[0][fit.problem.conditions.index(power)]
    numbers = fit.parameters(power).rescaled(neurons)
    return mf.verification.finite_size(own, numbers, fit.problem.point(power, numbers, state))


def spread(found: mf.verification.FiniteSize) -> np.ndarray:
    """Standard deviation over networks of the mean rates, as a part of these, (P,)."""
    return (found.spread / found.expected).sel(quantity="rate").values


def largest(found: mf.verification.FiniteSize, neurons: int) -> float:
    """The largest of all populations in networks of so many neurons, to leading order."""
    return float(spread(found).max() * np.sqrt(sum(found.sizes) / neurons))


def compared(checked: mf.inference.Confirmation, found: Found) -> list[dict[str, Any]]:
    """Mean rates of networks against the finite-size theory, power by power.

    p (mean): of as large a difference of the networks' mean from the theory with its bias;
    p (scatter): of as large or as small a scatter around their own mean, both by chi squared.
    """
    t, networks, rows = checked.fit.problem.targets, checked.finite, []
    for power, own in found.items():
        columns = [
            next(
                k
                for k in range(len(t))
                if (t.condition[k], t.quantity[k], t.population[k]) == (power, "rate_mean", p)
            )
            for p in "EI"
        ]
        rates, n = networks[:, columns], len(networks)
        inverse = np.linalg.inv(own.matrix(("rate",)))
        off = rates.mean(axis=0) - (own.expected + own.bias).sel(quantity="rate").values
        around = rates - rates.mean(axis=0)
        scatter = stats.chi2(2 * (n - 1)).cdf(np.einsum("ni,ij,nj->", around, inverse, around))
        predicted, seen = spread(own), around.std(axis=0, ddof=1) / rates.mean(axis=0)
        rows.append(
            {
                "power": power,
                "E, theory": float(predicted[0]),
                "E, networks": float(seen[0]),
                "I, theory": float(predicted[1]),
                "I, networks": float(seen[1]),
                "p (mean)": float(stats.chi2(2).sf(n * off @ inverse @ off)),
                "p (scatter)": float(2 * min(scatter, 1 - scatter)),
            }
        )
    return rows


def agree(rows: Iterable[dict[str, Any]]) -> bool:
    """Whether no p of any power is too small, for as many as there are."""
    values = [row[name] for row in rows for name in ("p (mean)", "p (scatter)")]
    return bool(min(values) >= RARE / len(values))


def share(found: mf.verification.FiniteSize, numbers: mf.Parameters, networks: int) -> float:
    """The part of networks of sampled neurons that settle at the state.

    Without reciprocity a network's fixed points are those of independent neurons: rows of synapses
    are, so that the input of a neuron is normal, given the population's mean rates and mean squared
    rates, its in-strengths and its offset. Sampling these takes O(N) numbers instead of O(N^2).
    """
    settled = (_settles(found, numbers, np.random.default_rng([0, k])) for k in range(networks))
    return sum(settled) / networks


def _settles(
    found: mf.verification.FiniteSize, own: mf.Parameters, generator: np.random.Generator
) -> bool:
    """Sampled neurons followed from the state of the theory, at power 0."""
    fractions, g = np.asarray(own.fractions), np.asarray(own.g)
    convergence = np.einsum("pqq->pq", np.asarray(own.tau_con))
    mean = float(own.N) * fractions * np.asarray(own.mean)
    strength = g * np.sqrt(float(own.N) * convergence) * fractions  # of u, times dkappa / dR
    residual = fractions * g**2 * (1 - convergence)
    inputs, offsets = np.asarray(own.input(0.0)), np.asarray(own.spread(0.0))
    exponent, gain = (
        np.broadcast_to(own.transfer[name], fractions.shape) for name in ("exponent", "gain")
    )
    draws = [generator.standard_normal((4, size)) for size in own.sizes]

    def rates(R: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means, and roots of the mean squares, of the rates that such rates cause."""
        noise, made = np.sqrt(residual @ root**2), []
        for p, (first, second, offset, rest) in enumerate(draws):
            along = strength[p] * R
            x = inputs[p] + mean[p] @ R + along[0] * first + along[1] * second
            x += offsets[p] * offset + noise[p] * rest
            made.append(gain[p] * np.maximum(x, 0) ** exponent[p])
        return np.array([r.mean() for r in made]), np.sqrt([np.mean(r**2) for r in made])

    R = found.expected.sel(quantity="rate").values
    root, most, change = R, 100 * R.max(), np.inf
    for _ in range(SQUARES):
        root = rates(R, root)[1]
    for _ in range(round(TIME / STEP)):
        aim, aim_root = rates(R, root)
        change = float(np.abs(aim - R).max() / R.max())
        R, root = R + STEP * (aim - R), root + STEP * (aim_root - root)
        if not R.max() < most:
            return False
    return change < RESTLESS
