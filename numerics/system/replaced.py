"""The same equations with other Gaussian averages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...keeping import Apart, apart, kept
from ..averages import ByPopulation, ClosedAtDefaults, Differentiable, Quadrature
from .system import System

KEPT = 64  # systems whose variants are kept, so that JAX compiles them once


def with_averages(system: System, suffix: str, change: Callable[[Any], Any]) -> System:
    """The same equations with averages replaced; the given ones where nothing changes.

    Args:
        system: the compiled equations.
        suffix: of the name of the generated module.
        change: gives the other average of one function, or the same.
    """
    own = {n: v for n, v in vars(system.module).items() if isinstance(v, Differentiable)}
    changed = {n: made for n, v in own.items() if (made := _replaced(v, change)) is not v}
    if not changed:
        return system
    module = system.loaded(f"{system.module.__name__}_{suffix}")
    vars(module).update(own | changed)  # they share what was found out about functions
    records = ("State", "Drive")  # a state of these equations is one of the given ones
    vars(module).update({n: v for n, v in vars(system.module).items() if n in records})
    if hasattr(module, "mean_gain"):
        vars(module)["mean_gain"] = module.mean_rate.derivative()
    return replace(system, module=module)


def _replaced(average: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(average, ClosedAtDefaults):
        general = _replaced(average.general, change)
        return average if general is average.general else average.with_general(general)
    if isinstance(average, ByPopulation):
        own = tuple(_replaced(one, change) for one in average.averages)
        same = all(a is b for a, b in zip(own, average.averages, strict=True))
        return average if same else average.with_averages(own)
    return change(average)


@apart.register
def _tables_apart(system: System) -> Apart:
    """The tables of a system's averages, and the system with others, which can be traced."""
    tables = {id(t): t for v in vars(system.module).values() for t in _tables(v)}

    def build(arrays: list[Any]) -> System:
        given = dict(zip(tables, arrays, strict=True))

        def change(average: Any) -> Any:
            return average.with_tables(given) if isinstance(average, Quadrature) else average

        return with_averages(system, "of_tables", change)

    return [table.coefficients for table in tables.values()], build


def _tables(average: Any) -> Sequence[Any]:
    if isinstance(average, ClosedAtDefaults):
        return _tables(average.general)
    if isinstance(average, ByPopulation):
        return [table for one in average.averages for table in _tables(one)]
    return average.tables if isinstance(average, Quadrature) else ()


@lru_cache(maxsize=KEPT)
def within_tables(system: System) -> System:
    """The same equations, where averages that come from tables are NaN outside of them.

    They are traced and compiled in half the time. Whoever calls them falls back on the system
    itself where a result is not finite. The given system where no average comes from a table.

    Args:
        system: the compiled equations.
    """

    def change(average: Any) -> Any:
        return average.within_table() if isinstance(average, Quadrature) else average

    return with_averages(system, "within_tables", change)


@kept
def _corners(system: System, parameters: Any, means: Array, variance: Array) -> tuple[Array, Array]:
    """The rates at corners, and whether tables have gaps, which asks for all of the tables."""
    own = [v for v in vars(system.module).values() if isinstance(v, Differentiable)]
    prepared = getattr(system.coefficients(parameters), "transfer", None)
    variances = jnp.stack([jnp.zeros_like(variance), variance])
    each = [(mu, Delta) for mu in means for Delta in variances]
    rates = jnp.stack([system.module.mean_rate(*one, prepared) for one in each])
    return rates, jnp.asarray(any(map(_has_gaps, own)))


def tables_reach(system: System, parameters: Any, means: Array, variance: Array) -> bool:
    """Whether averages come from tables alone for all these means and variances.

    Args:
        system: what `within_tables` gave.
        parameters: the network's numbers.
        means: the lowest and the highest, (2, P).
        variance: the largest, (P,).
    """
    rates, has_gaps = _corners(system, parameters, means, variance)
    return not bool(has_gaps) and bool(np.isfinite(np.asarray(rates)).all())


def _has_gaps(average: Any) -> bool:
    if isinstance(average, ClosedAtDefaults):
        return _has_gaps(average.general)
    if isinstance(average, ByPopulation):
        return any(_has_gaps(one) for one in average.averages)
    if not isinstance(average, Quadrature) or average.grid is None:
        return False
    return average.ends_with_table and average.grid.has_gaps


def tabulated_first(
    system: System, compute: Callable[[System], Any], is_found: Callable[[Any], bool]
) -> Any:
    """What is computed from tables alone where that succeeds, else from the system itself.

    Args:
        system: the compiled equations.
        compute: from equations.
        is_found: whether all of a result is there.
    """
    quick = within_tables(system)
    found = compute(quick)
    return found if quick is system or is_found(found) else compute(system)
