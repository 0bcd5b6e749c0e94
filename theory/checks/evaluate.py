"""Expressions of a derivation as numbers.

Sums are summed, averages are taken over the sampled neurons of a `World`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from ..notation import N, Rate, i, p
from .neurons import Neurons
from .world import World

MANY = 1500  # neurons i in a variance over them


class Evaluator:
    """Values of expressions in a world, with the populations of the free indices given.

    over_i: the neuron i of population p is averaged over, not fixed
    """

    def __init__(self, world: World, neurons: Neurons | None = None, *, over_i: bool = False):
        self.world, self._neurons, self.over_i = world, neurons, over_i

    @property
    def neurons(self) -> Neurons:
        """The sampled neurons, for expressions that speak of neurons."""
        if self._neurons is None:
            raise TypeError("an expression of neurons needs sampled neurons")
        return self._neurons

    def __call__(self, e: sp.Basic, at: dict[sp.Symbol, int]) -> Any:
        """A number, or an array over the sampled neurons of one population."""
        method = getattr(self, f"_{type(e).__name__}", None)
        if method is not None:
            return method(e, at)
        if e.is_number:
            return float(e)
        if e == N:
            return self.world.N
        raise TypeError(f"{e} has no value")

    def _Add(self, e, at):
        return sum(self(a, at) for a in e.args)

    def _Mul(self, e, at):
        value = 1.0
        for a in e.args:
            value = value * self(a, at)
        return value

    def _Pow(self, e, at):
        return self(e.base, at) ** float(e.exp)

    def _Sum(self, e, at):
        index = e.limits[0][0]
        rest = e.function if len(e.limits) == 1 else sp.Sum(e.function, *e.limits[1:])
        return sum(self(rest, {**at, index: k}) for k in range(self.world.count(index)))

    def _Indexed(self, e, at):
        name = str(e.base)
        if name in self.world.arrays:
            return self.world.arrays[name][tuple(at[k] for k in e.indices)]
        return self._of_neurons(name, e.indices, at)

    def _of_neurons(self, name, indices, at):
        w, sampled = self.world, self.neurons
        neuron = indices[0]
        bound = at.get(("population", neuron))
        if name in ("a", "u"):
            scale = w.N if name == "u" else 1.0
            if bound is None:
                return scale * w.own_rows[at[p]][at[indices[1]]]
            return self._along(scale * sampled.rows[bound][:, at[indices[1]]], neuron, at)
        if name == "b":
            return self._along(sampled.columns[bound][:, at[indices[1]]], neuron, at)
        if name == "feature":
            if bound is None:
                return w.own_features[at[p]][at[indices[1]]]
            return self._along(sampled.features[bound][:, at[indices[1]]], neuron, at)
        if name == "w":
            return self._synapses(at, at["population", indices[1]])
        if name == "J":
            q = at["population", indices[1]]
            return (
                w.mean[at[p], q]
                + w.own_rows[at[p]][q]
                + sampled.columns[q][:, at[p]]
                + sampled.assorted(at[p], q, w.own_features[at[p]])
                + sampled.onto[at[p], q]
            )
        if name == "x":
            q = bound if bound is not None else at[p]
            return self._along(sampled.current(at[p], q), neuron, at)
        if name == "field":
            return self._along(
                sampled.field(at[p], bound if bound is not None else at[p]), neuron, at
            )
        arrays = {"xi": sampled.offsets, "n": sampled.noise}
        return self._along(arrays[name][bound], neuron, at)

    def _along(self, values, neuron, at):
        """Values along the right axis where neurons i are many.

        Neurons i lie along the first axis of a table; each has N_q neurons j of its own along the
        second.
        """
        if at.get(("population", i)) is None:
            return values
        if neuron == i:
            return values[:, None]
        count = int(self.world.sizes[at["population", neuron]])
        return values[self.neurons.rng.integers(len(values), size=(MANY, count))]

    def _synapses(self, at, q):
        if at.get(("population", i)) is None:
            return self.neurons.onto[at[p], q]
        w = self.world
        n = int(w.sizes[q])
        draws = self.neurons.rng.standard_normal((MANY, n))
        if w.quenched:  # rows sum to 0
            draws = (draws - draws.mean(1, keepdims=True)) * np.sqrt(n / (n - 1))
        return np.sqrt(w.left[at[p], q] / w.N) * draws

    def _Rate(self, e, at):
        q, x = at[e.args[0]], e.args[1]
        if self.world.is_static and x.indices[0] == i and at.get(("population", i)) is None:
            return self.neurons.filtered(q, q)  # the rate of neuron i itself
        if at.get(("population", x.indices[0])) == q:
            return self._along(self.neurons.rate_of(at[p], q, e.order), x.indices[0], at)
        return self.world.phi(q, self(e.args[1], at), e.order)

    def _Mean(self, e, at):
        body, neuron, population = e.args
        return np.mean(self(body, self._bound(neuron, population, at)))

    def _OverNeurons(self, e, at):
        body, neuron, population = e.args
        values = self(body, self._bound(neuron, population, at))
        return self.world.sizes[at[population]] * np.mean(
            values, axis=-1, keepdims=np.ndim(values) == 2
        )

    def _Covariance(self, e, at):
        deviation, x, neuron, population = e.args
        inside = self._bound(neuron, population, at)
        a, b = self(deviation, inside), self(x, inside)
        return np.mean(a * b) - np.mean(a) * np.mean(b)

    def _Variance(self, e, at):
        body, neuron, population = e.args
        values = np.ravel(self(body, self._bound(neuron, population, at)))
        return np.mean(values**2) - np.mean(values) ** 2

    def _Filtered(self, e, at):
        body, population = e.args
        if body.has(Rate) and not self.over_i:
            return self.neurons.filtered(at[p], at[population])
        return (
            self.world.M[at[population]] * np.mean(self(body, at))
            if body.has(Rate)
            else self.world.M[at[population]] * self(body, at)
        )

    def _Synaptic(self, e, at):
        body, population = e.args
        factors = self.world.S_class if str(population) == "f" else self.world.S
        return factors[at[population]] * self(body, at)

    def _PairCovariance(self, e, at):
        return self.neurons.pair_covariance(str(e.args[0]), *(at[k] for k in e.args[1:]))

    def _bound(self, neuron, population, at):
        return {**at, ("population", neuron): at[population]}
