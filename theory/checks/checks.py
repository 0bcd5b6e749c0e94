"""Numerical tests of the equalities of a derivation.

Exact ones must hold to 1e-9, sampled ones to six standard errors of the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from ..equations import MeanField
from ..notation import COUNTS, f, p, q, r
from .displayed import Equality, equalities
from .evaluate import Evaluator
from .neurons import Neurons
from .world import World

EXACT = 1e-9  # rounding errors of sums over populations and of quadrature stay below it
STANDARD_ERRORS = 6.0  # of hundreds of comparisons none exceeds it by chance
FOLLOWING = ("Delta", "R", "G", "C", "shift", "Delta_c", "R_c", "G_c", "C_c", "beta", "eta")
"""What follows the states: averages, and what is made of them."""
STEP = 3e-4
DIFFERENCES = {1: 2 / 3, 2: -1 / 12}
"""How differences over one and two steps on both sides make a derivative, to about 1e-11."""
BATCHES, NEURONS = 24, 4000  # standard errors from 24 values; errors of a few per mille
# how exact a closure must be in its limit: variability of 1e-4 squared, motifs 1e6 as strong
_LIMITS = {"narrow": 1e-6, "always": EXACT, "dominated": 1e-3}


@dataclass(frozen=True)
class Outcome:
    """What a test found.

    Args:
        equality: That was tested.
        error: The largest difference, in units of `unit`.
        allowed: How large it may be.
        unit: "relative" or "standard errors".
        note: What else was measured.
    """

    equality: Equality
    error: float
    allowed: float
    unit: str
    note: str = ""

    @property
    def passed(self) -> bool:
        return bool(self.error <= self.allowed)


@dataclass(frozen=True)
class Report:
    """The outcomes of all tests of a derivation, in its order."""

    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether every equality holds."""
        return all(outcome.passed for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.passed]

    def __str__(self) -> str:
        rows = [
            f"{'ok' if o.passed else 'FAILED':7s}{o.equality.title:58.58s}{o.equality.holds:9s}"
            f"{o.error:9.2g} of {o.allowed:.2g} {o.unit}" + (f"; {o.note}" if o.note else "")
            for o in self.outcomes
        ]
        verdict = f"{len(rows)} equalities, {len(self.failures)} failed"
        return "\n".join([*rows, verdict])


class Checker:
    """Tests equalities of one system of equations on numbers that a seed fixes."""

    def __init__(self, mean_field: MeanField, seed: int = 0):
        self.mean_field, self.seed = mean_field, seed
        self._kept: dict[tuple, np.ndarray] = {}

    def __call__(self, equality: Equality) -> Outcome:
        return getattr(self, f"_{equality.holds}")(equality)

    @cached_property
    def world(self) -> World:
        return World(self.mean_field, self.seed)

    @cached_property
    def closed(self) -> World:
        return World(self.mean_field, self.seed, closed=True)

    @cached_property
    def batches(self) -> list[Neurons]:
        return self._neurons(self.world)

    @cached_property
    def correlated(self) -> list[Neurons]:
        """Neurons of a network with all motifs: Stein's lemma would say 0 = 0 without."""
        return self._neurons(World(self.mean_field, self.seed, correlated=True))

    def _neurons(self, world: World) -> list[Neurons]:
        seeds = np.random.SeedSequence(self.seed).spawn(BATCHES)
        return [Neurons(world, np.random.default_rng(s), NEURONS) for s in seeds]

    def _algebra(self, equality: Equality) -> Outcome:
        return self._exact(equality, Evaluator(self.world, self.batches[0]), self.world)

    def _stationary(self, equality: Equality) -> Outcome:
        return self._exact(equality, Evaluator(self.closed), self.closed)

    def _exact(
        self, equality: Equality, value: Evaluator, world: World, allowed: float = EXACT
    ) -> Outcome:
        worst = 0.0
        for at in _places(equality, world):
            left, right = (float(value(side, at)) for side in (equality.left, equality.right))
            worst = max(worst, abs(left - right) / max(abs(left), abs(right), 1e-12))
        return Outcome(equality, worst, allowed, "relative")

    def _sampled(self, equality: Equality) -> Outcome:
        over_i = equality.rule == "filtered_rate"
        places = _places(equality, self.world)
        batches = self.correlated if equality.rule in ("stein", "stein_in_field") else self.batches
        left, right = (
            self._values(side, places, batches, over_i) for side in (equality.left, equality.right)
        )
        difference = left - right
        size = np.maximum(np.abs(left), np.abs(right)).max(0) + 1e-300
        mean, error = difference.mean(0), difference.std(0, ddof=1) / np.sqrt(BATCHES)
        exact = np.abs(difference).max(0) <= EXACT * size
        z = np.where(exact, 0.0, np.abs(mean) / np.maximum(error, 1e-12 * size))
        return Outcome(
            equality,
            float(z.max()),
            STANDARD_ERRORS,
            "standard errors",
            f"standard error {float((error / size).max()):.1e} of the value",
        )

    def _values(
        self, side: sp.Expr, places: list[dict], batches: list[Neurons], over_i: bool
    ) -> np.ndarray:
        """Values in every batch and at every place.

        They are kept: one side of an equality is often the other side of the next.
        """
        key = (side, tuple(tuple(at.items()) for at in places), id(batches), over_i)
        if key not in self._kept:
            self._kept[key] = np.array(
                [
                    [float(Evaluator(n.world, n, over_i=over_i)(side, at)) for at in places]
                    for n in batches
                ]
            )
        return self._kept[key]

    def _closure(self, equality: Equality) -> Outcome:
        limit = self.mean_field.closure.exact_when
        w = World(self.mean_field, self.seed, plain=True)
        generic = self._exact(equality, Evaluator(w), w)
        note = (
            f"measured error of the residual's variance {generic.error:.2g}, of the whole variance "
            f"{self._share(equality, w):.2g}"
        )
        if limit is None:
            return Outcome(equality, 0.0, EXACT, "no limit stated", note)
        world = World(self.mean_field, self.seed, plain=True, limit=limit)
        if limit == "dominated":
            return Outcome(
                equality,
                self._share(equality, world),
                _LIMITS[limit],
                "relative, motifs dominating",
                note,
            )
        found = self._exact(equality, Evaluator(world), world)
        return Outcome(
            equality,
            found.error,
            _LIMITS[limit],
            "relative" + (", variability vanishing" if limit == "narrow" else ""),
            note,
        )

    def _share(self, equality: Equality, world: World) -> float:
        """The largest difference of both sides, relative to the variance of a population."""
        value = Evaluator(world)
        return max(
            abs(float(value(equality.left, at) - value(equality.right, at))) / world.Delta[at[p]]
            for at in _places(equality, world)
        )

    def _average(self, equality: Equality) -> Outcome:
        rng = np.random.default_rng(self.seed)
        worst = 0.0
        for mean, variance in zip(rng.uniform(-1, 1, 2), rng.uniform(0.3, 1.5, 2), strict=True):
            numbers = {
                s: sp.Float(mean) if s.name == "K" else sp.Float(variance)
                for s in equality.left.free_symbols
                if s.name in ("K", "Delta")
            }
            own = {
                s: v
                for function in self.mean_field.architecture.distinct_transfers
                for s, v in function.defaults.items()
            }
            average = equality.left.subs(own).at(sp.Float(mean), sp.Float(variance))
            exact = float(average.evalf(15))  # by mpmath, split where the function bends
            found = float(equality.right.subs(own).subs(numbers).evalf())
            worst = max(worst, abs(found - exact) / (1 + abs(exact)))
        return Outcome(equality, worst, EXACT, "relative")

    def _filter(self, equality: Equality) -> Outcome:
        rng = np.random.default_rng(self.seed)
        values = _filter_values(equality.left.symbols, rng)
        A, b = observer(equality.right[0], equality.right[1], values)
        worst = 0.0
        for s in rng.normal(size=3) + 1j * rng.normal(size=3):
            exact = complex(equality.left.response(s, values))
            found = np.linalg.solve(s * np.eye(len(A)) - A, b)[0]
            worst = max(worst, abs(found - exact) / abs(exact))
        return Outcome(equality, worst, EXACT, "relative")

    def _noise(self, equality: Equality) -> Outcome:
        """The stationary variance of a filter's differential equations under white noise.

        It is compared with the integral of |H|^2 over frequency.
        """
        values = _filter_values(equality.left.symbols, np.random.default_rng(self.seed))
        A, b = observer(equality.right[0], equality.right[1], values)
        m = len(A)
        eye = np.eye(m)
        found = np.linalg.solve(np.kron(A, eye) + np.kron(eye, A), -2 * np.outer(b, b).ravel())[0]
        angle = (
            (np.arange(4096) + 0.5) * np.pi / 8192
        )  # frequency tan(angle), from 0 to infinity; the integrand is periodic and smooth
        H = equality.left.response(1j * np.tan(angle), values)
        exact = 2 / 8192 * np.sum(np.abs(H) ** 2 / np.cos(angle) ** 2)
        return Outcome(equality, abs(found - exact) / exact, 1e-6, "relative")

    def _linear(self, equality: Equality) -> Outcome:
        rng = np.random.default_rng(self.seed)
        world = self.closed
        along = {
            e.name: rng.uniform(0.5, 1, world.arrays[e.name].shape)
            * rng.choice([-1, 1], world.arrays[e.name].shape)
            for e in self.mean_field.equations
        }
        near = {n: world.moved(along, n * STEP) for k in DIFFERENCES for n in (k, -k)}
        slopes = {
            name: _slope({n: w.arrays[name] for n, w in near.items()})
            for name in FOLLOWING
            if name in world.arrays
        }
        direction = copied(world, {f"d_{name}": d for name, d in (along | slopes).items()})
        worst = 0.0
        for at in _places(equality, world):
            if isinstance(equality.left, sp.Indexed) and equality.rule in FOLLOWING:
                expected = slopes[equality.rule][tuple(at[k] for k in equality.left.indices)]
            else:
                values = {n: Evaluator(w)(equality.left, at) for n, w in near.items()}
                expected = _slope(values)
            found = Evaluator(direction)(equality.right, at)
            worst = max(worst, abs(found - expected) / (abs(found) + abs(expected) + 1e-9))
        return Outcome(equality, worst, 1e-6, "relative")


def _slope(values: dict[int, Any]) -> Any:
    """The derivative from values at multiples of the step."""
    return sum(part * (values[n] - values[-n]) for n, part in DIFFERENCES.items()) / STEP


def copied(world: World, more: dict[str, np.ndarray]) -> World:
    """The world with further arrays."""
    other = world.moved({"K": 0 * world.K}, 0.0)
    other.arrays = {**world.arrays, **more}
    return other


def check(
    mean_field: MeanField,
    which: Sequence[Equality] | None = None,
    *,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Test every displayed equality of a derivation, or those given.

    Args:
        mean_field: The equations, with the record of their derivation.
        which: Equalities; default: all.
        seed: Of all random numbers.
        progress: Called with the part that is done, in [0, 1].

    Returns:
        The outcomes in order.
    """
    checker, outcomes = Checker(mean_field, seed), []
    every = equalities(mean_field) if which is None else list(which)
    for n, equality in enumerate(every):
        outcomes.append(checker(equality))
        if progress is not None:
            progress((n + 1) / len(every))
    return Report(tuple(outcomes))


def observer(
    above: Sequence[sp.Expr], below: Sequence[sp.Expr], values: dict
) -> tuple[np.ndarray, np.ndarray]:
    """dz/dt = A z + b u with the output z_1, from the coefficients of 1, s, s^2, ..."""
    n, d = ([float(sp.sympify(c).subs(values)) for c in side] for side in (above, below))
    m = len(d) - 1
    n += [0.0] * (m - len(n))
    A = np.diag(np.ones(m - 1), 1)
    A[:, 0] -= np.array(d[:m][::-1]) / d[m]
    return A, np.array(n[:m][::-1]) / d[m]


def _filter_values(symbols: Sequence[sp.Symbol], rng: np.random.Generator) -> dict:
    return {symbol: float(rng.uniform(0.5, 2)) for symbol in symbols}


def _places(equality: Equality, world: World) -> list[dict[sp.Symbol, int]]:
    """All populations for the free indices."""
    sides = [sp.sympify(e) for e in (equality.left, equality.right)]
    free = set().union(*(e.free_symbols for e in sides)) & {p, q, r, f, *COUNTS}
    free |= {p}
    order = sorted(free, key=str)
    counts = map(world.count, order)
    return [dict(zip(order, values, strict=True)) for values in product(*map(range, counts))]
