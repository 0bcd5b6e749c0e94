"""The fixed point that a start leads to, of many parameter sets at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...keeping import kept
from ...numbers import counted
from ...time_units import measured
from ..machine import over_sets
from ..parameters import Parameters, require_batch, set_of
from ..precision import require_x64
from ..results import Code, Result, Status, incomplete, raise_on_failure
from ..system import Autonomous, System, initial_state, tabulated_first
from ..tangents import refuse_tracers
from .batch import lattice_of, sorted_eigenvalues, stable_of
from .described import Described, described, some
from .neighbours import Neighbours, neighbours
from .newton import newton, same_root
from .point import DIVERGED, LARGEST_RESIDUAL, invalid, not_proven, unphysical
from .scales import state_scale
from .solve import reached

WIDTH = 64  # sets whose dynamics are followed at once: the slowest of them holds up the others
PAIRS = 256  # sets to which Newton's method goes from one nearby, at once
STEPS = 12  # of Newton's method from there at most: what needs more is another branch


@dataclass(frozen=True, repr=False, eq=False)
class FixedPointOfEach(Result):
    """One fixed point of each of many parameter sets; make it with `fixed_point_batch`.

    Args:
        dataset: over (set): `stable` (1, 0), `residual`, `status`; over (set, population): `mean`,
            `variance`, `rate`; `eigenvalues` over (set, mode), by descending real part. NaN where
            there is no fixed point.
    """

    dataset: xr.Dataset

    @property
    def title(self) -> str:
        """How many sets there are."""
        return f"A fixed point of each of {counted(self.dataset.sizes['set'], 'parameter set')}"

    @property
    def status(self) -> Status:
        """ "ok", or how many sets have none; each set has its own status, too."""
        failed = int(np.sum(self.dataset["status"].values != "ok"))
        return incomplete([f"{counted(failed, 'set')} without a fixed point"] if failed else [])

    def rows(self) -> list[dict[str, Any]]:
        """A row per set: rates, whether they are stable, status."""
        d = self.dataset
        own = zip(d["rate"].values, d["stable"].values, d["status"].values, strict=True)
        return [
            {
                "set": k,
                **{f"rate {p}": float(v) for p, v in zip(d["population"].values, R, strict=True)},
                "stable": float(stable),
                "status": str(status),
            }
            for k, (R, stable, status) in enumerate(own)
        ]


def fixed_point_batch(
    system: System,
    batch: Parameters,
    initial: Any = None,
    *,
    time: float = 0.0,
    settle: float = 100.0,
    rtol: float = 1e-12,
    places: Any = None,
    throw: bool = True,
) -> FixedPointOfEach:
    """The fixed point of each of n parameter sets that the dynamics reach from an initial state.

    Each set has the point that `fixed_point` gives. With `places`, one set in sixteen is solved in
    that way, and the others by Newton's method from the points of the sets nearby, one more than
    there are coordinates. Where these lead to several points, or to none that is proven and as
    stable, the set is solved as `fixed_point` solves it. Where there are several attractors, the
    point is therefore that of the initial state's basin, unless the basin of another one has a part
    that is narrower than the distance between those sets, four steps of a grid over two parameters.

    Args:
        system: the compiled equations, from `compile`.
        batch: parameters with a leading axis n on every array, as `stacked` makes them. They are
            taken as they are: check them before.
        initial: where to begin, as for `fixed_point`; the same for all sets.
        time: when the inputs are held.
        settle: how long to follow the dynamics; 0 is Newton's method alone, from `initial`.
        rtol: tolerance of Newton's method, relative and absolute.
        places: coordinates of the sets, (n, k), as `fixed_points_batch` takes them; None: every set
            is solved by itself.
        throw: raise an error where no set has a fixed point.

    Returns:
        The point of every set; one that has none has a status that says why.

    Raises:
        ParameterError: parameters without a leading axis, or a call under jit, vmap or grad.
        SolverError: with `throw`, no set has a fixed point.
    """
    refuse_tracers((batch, initial, time), "fixed_point_batch", "motifield.pure.fixed_point")
    require_x64()
    require_batch(batch)
    batch = jax.tree.map(np.asarray, batch)
    count = len(batch.N)
    start = initial_state(system, set_of(batch, 0), initial)
    how = {"start": start, "time": jnp.asarray(float(time)), "settle": float(settle), "rtol": rtol}
    own = _Solver(system, batch, how)
    if places is None or settle <= 0 or count < 2:
        own.alone(np.arange(count))
    else:
        own.together(neighbours(lattice_of(places, count)))
    made = FixedPointOfEach(own.dataset())
    if not np.any(made.dataset["status"].values == "ok"):
        raise_on_failure(Status(made.status.message, Code.NOT_CONVERGED), throw)
    return made


class _Solver:
    """States of all sets so far, and what is known of them."""

    def __init__(self, system: System, batch: Parameters, how: dict[str, Any]):
        self.system, self.batch, self.how = system, batch, how
        self.model = Autonomous(system, len(batch.populations), how["time"])
        count, d = len(batch.N), self.model.size
        self.states, self.scales = np.full((count, d), np.nan), np.ones((count, d))
        self.bounded = np.ones(count, dtype=bool)
        self.validity = np.ones((count, len(batch.populations)))
        shapes = [(), (), (), (d, d), *[(len(batch.populations),)] * 3]
        self.seen = Described(*(np.full((count, *shape), np.nan) for shape in shapes))

    def alone(self, which: np.ndarray) -> None:
        """Solve some sets by themselves."""
        for at in range(0, len(which), WIDTH):
            rows = which[at : at + WIDTH]
            own = some(self.batch, np.resize(rows, WIDTH))

            def run(equations: System, own: Any = own) -> list[np.ndarray]:
                return [np.asarray(v) for v in _settled(equations, own, **self.how)]

            found = tabulated_first(self.system, run, lambda v: bool(np.isfinite(v[0]).all()))
            states, bounded, scales = (v[: len(rows)] for v in found)
            self.states[rows], self.bounded[rows], self.scales[rows] = states, bounded, scales
        self.describe(which)

    def together(self, near: Neighbours) -> None:
        """Solve the anchors by themselves, and the others from these, or by themselves."""
        self.alone(near.anchors)
        kept = self.continued(near)
        self.describe(kept)
        # a state that is stable stays so on its branch
        good = self.holds(kept) & (stable_of(self.model, self.eigenvalues(kept)) == 1)
        self.alone(np.setdiff1d(near.others, kept[good]))

    def continued(self, near: Neighbours) -> np.ndarray:
        """Newton's method from the anchors near each set; those sets where all of them agree."""
        start, others = self.states[near.nearest], near.others
        k, j = np.indices(near.nearest.shape).reshape(2, -1)
        ends, scales = np.full(start.shape, np.nan), np.ones((len(others), self.model.size))
        for at in range(0, len(k), PAIRS):
            which = np.resize(np.arange(at, min(at + PAIRS, len(k))), PAIRS)
            own, ys = some(self.batch, others[k[which]]), start[k[which], j[which]]
            made = _walked(self.model, own, ys, self.how["rtol"])
            ends[k[which], j[which]], scales[k[which]] = (np.asarray(v) for v in made)
        relative = ends / scales[:, None]
        agree = np.all(same_root(relative, relative[:, :1]), axis=1)
        anchors = self.holds(near.anchors)
        stable = stable_of(self.model, self.eigenvalues(near.anchors)) == 1
        usable = np.zeros(len(self.states), dtype=bool)
        usable[near.anchors[anchors & stable]] = True
        agree &= usable[near.nearest].all(axis=1)
        rows = others[agree]
        self.states[rows], self.scales[rows] = ends[agree, 0], scales[agree]
        return rows

    def describe(self, which: np.ndarray) -> None:
        """Proofs, Jacobians and numbers at the states of some sets."""
        own = (self.batch, which, self.states[which], self.scales)
        for known, new in zip(self.seen, described(self.model, *own, prove=True), strict=True):
            known[which] = new
        if self.system.mean_field.is_static:
            own, states = some(self.batch, which), self.states[which]
            self.validity[which] = np.asarray(_validity(self.model, own, states))

    def eigenvalues(self, which: np.ndarray) -> np.ndarray:
        jacobians = self.seen.jacobian[which]
        there = np.isfinite(jacobians).all(axis=(1, 2))
        found = np.full((len(which), int(self.model.moving.sum())), np.nan, dtype=complex)
        found[there] = sorted_eigenvalues(self.model, jacobians[there])
        return found

    def holds(self, which: np.ndarray) -> np.ndarray:
        """Whether a fixed point is proven that a network can have."""
        proven = self.seen.proven[which] == 1
        valid = np.all(self.validity[which] > 0, axis=1)
        return self.bounded[which] & proven & valid & ~_is_negative(self.seen.variance[which])

    def dataset(self) -> xr.Dataset:
        every = np.arange(len(self.states))
        good, eigenvalues = self.holds(every), self.eigenvalues(every)
        status = np.full(len(every), "ok", dtype=object)
        for k in np.flatnonzero(~good):
            status[k] = self._why_not(int(k))

        def kept(values: np.ndarray) -> np.ndarray:
            return np.where(good.reshape(-1, *[1] * (values.ndim - 1)), values, np.nan)

        by = ("set", "population")
        data: dict[str, Any] = {
            "mean": (by, kept(self.seen.mean)),
            "variance": (by, kept(self.seen.variance)),
            "rate": (by, kept(self.seen.rate)),
            "stable": ("set", kept(stable_of(self.model, eigenvalues))),
            "residual": ("set", kept(self.seen.residual)),
            "status": ("set", status.astype(str)),
            "eigenvalues": (("set", "mode"), kept(eigenvalues)),
        }
        made = xr.Dataset(data, coords={"population": list(self.batch.populations)})
        return measured(made, self.batch.time_unit)

    def _why_not(self, k: int) -> str:
        """Why a set has no fixed point, as `fixed_point` says it."""
        if not self.bounded[k]:
            return DIVERGED.message
        if self.seen.proven[k] != 1:
            return not_proven(float(self.seen.relative[k])).message
        own, rate, variance = set_of(self.batch, k), self.seen.rate[k], self.seen.variance[k]
        if _is_negative(variance[None])[0]:
            return unphysical(self.system, own, variance, rate).message
        return invalid(self.batch.populations, self.validity[k]).message


def _is_negative(variance: np.ndarray) -> np.ndarray:
    """Whether a variance is negative by more than rounding, (n,)."""
    size = np.max(np.abs(variance), axis=1, initial=0.0)
    return ~np.all(variance >= -LARGEST_RESIDUAL * size[:, None], axis=1)


@kept
def _settled(system: System, batch: Parameters, *, start: Any, time: Any, settle: Any, rtol: Any):
    """States, whether the dynamics end, and scales."""

    def one(own: Parameters):
        model = Autonomous(system, own.P, time)
        y, bounded = reached(model, own, start, settle, rtol)
        return y, bounded, state_scale(model, own)

    return over_sets(one, batch)


@kept
def _walked(model: Autonomous, batch: Parameters, ys: Any, rtol: Any):
    """Where Newton's method ends from states of sets nearby, NaN where it does not; and scales."""

    def one(own: Parameters, y: Any):
        field, scale = model.bind(own), state_scale(model, own)
        end = newton(field, y, rtol=rtol, atol=rtol, steps=STEPS)
        is_there = jnp.max(jnp.abs(field(end)) / scale) < LARGEST_RESIDUAL
        return jnp.where(is_there, end, jnp.nan), scale

    return over_sets(one, batch, ys)


@kept
def _validity(model: Autonomous, batch: Parameters, ys: Any):
    """The smallest 1 - Gamma phi'(x) of each population, of equations of fixed points alone."""

    def one(own: Parameters, y: Any):
        return model.system.report(model.state(y), own)["validity"]

    return over_sets(one, batch, ys)
