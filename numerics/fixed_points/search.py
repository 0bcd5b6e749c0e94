"""The search for all fixed points: Newton's method from many starts, deflation, the index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import qmc

from ...errors import ParameterError
from ..parameters import Parameters
from ..precision import require_x64
from ..results import OK, Code, Status, raise_on_failure
from ..system import Autonomous, System
from ..tangents import refuse_tracers
from .newton import Region, open_region, region_of, roots_from, same_root, starts_in
from .point import LARGEST_RESIDUAL, FixedPoint, Seen
from .points import Evidence, FixedPoints
from .region import state_box, transfer_bounds

ROOM = 16  # known roots are passed in arrays of multiples of this, so that few shapes compile
ROUNDS = 12  # of one set of starts; each but the last finds something
SETS = 5  # of starts, while the index says that a point is missing or one was hit only once
GROWTHS = (1.0, 30.0, 1000.0)
"""Sizes of the searched region in units of the input, where nothing bounds the fixed points."""


@eqx.filter_jit
def _box(model: Autonomous, parameters: Parameters, bounds: tuple) -> Region:
    return region_of(model, parameters, bounds[:2], state_box(model, parameters, bounds))


_starts, _round = eqx.filter_jit(starts_in), eqx.filter_jit(roots_from)


@eqx.filter_jit
def _seen(model: Autonomous, parameters: Parameters, y: Any) -> tuple:
    """What `Seen` holds."""
    seen = model.observables(y, parameters)
    spread = jax.jacfwd(lambda v: model.observables(v, parameters)["variance"])(y)
    residual = jnp.max(jnp.abs(model.field(y, parameters)))
    return residual, model.jacobian(y, parameters), spread, seen["variance"], seen["rate"]


class _Search:
    """Roots found so far in a region, and what it took."""

    def __init__(self, model: Autonomous, parameters: Parameters, starts: int, seed: int):
        self.model, self.parameters, self.starts = model, parameters, starts
        self.sobol = qmc.Sobol(2 * model.P + 1, rng=seed)
        self.roots: list[np.ndarray] = []
        self.hits: list[int] = []
        self.used = self.rounds = self.failed = self.plain = 0

    def points(self) -> np.ndarray:
        return self.sobol.random(self.starts)

    def round(self, region: Region, points: np.ndarray, deflate: bool) -> int:
        """How many new roots one round of starts finds."""
        model, own = self.model, self.parameters
        low, high = (np.asarray(v) for v in region.box)
        # deflation reaches a quarter of the box: starts leave a root, and keep apart from others
        scale = np.maximum(np.where(np.isfinite(high - low), 0.25 * (high - low), 1.0), 1e-3)
        starts = _starts(model, own, region, jnp.asarray(points))
        known = np.full((ROOM * (1 + len(self.roots) // ROOM), model.size), np.nan)
        if deflate and self.roots:
            known[: len(self.roots)] = self.roots
        found = _round(model, own, region, starts, jnp.asarray(known), jnp.asarray(scale))
        ends, residuals = map(np.asarray, found)
        slack = 1e-6 * (1 + np.abs(high - low))
        within = np.all((ends >= low - slack) & (ends <= high + slack), axis=1)
        inside = within | ~np.isfinite(slack).all()
        before = len(self.roots)
        for end, residual, is_in in zip(ends, residuals, inside, strict=True):
            if residual < LARGEST_RESIDUAL and is_in and np.all(np.isfinite(end)):
                self.add(end, count=not deflate)
            elif not deflate:
                self.failed += 1
        self.used += len(points)
        self.rounds += 1
        self.plain += 0 if deflate else len(points)
        return len(self.roots) - before

    def add(self, y: np.ndarray, count: bool) -> None:
        for k, other in enumerate(self.roots):
            if same_root(y, other):
                self.hits[k] += count
                return
        self.roots.append(y)
        self.hits.append(int(count))

    def exhaust(self, region: Region) -> int:
        """How many roots one set of starts finds, in rounds until the last finds nothing new.

        All that is found is divided out in the next round.
        """
        points = self.points()
        found = self.round(region, points, deflate=False)
        for _ in range(ROUNDS):
            new = self.round(region, points, deflate=True)
            found += new
            if not new:
                break
        return found

    def described(self) -> list[FixedPoint]:
        model, own = self.model, self.parameters
        states = map(jnp.asarray, self.roots)
        return [
            FixedPoint.of(model.system, own, model.state(y), Seen(*_seen(model, own, y)))
            for y in states
        ]


def fixed_points(
    system: System,
    parameters: Parameters,
    *,
    starts: int = 128,
    seed: int = 0,
    time: float = 0.0,
    throw: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> FixedPoints:
    """All fixed points, stable and unstable, and the evidence that these are all.

    Newton's method from many starts at once, spread (Sobol) over what fixed points depend on, rates
    and mean currents or means and variances; then again from the same starts with the roots found
    divided out (deflation), until a whole round finds nothing new. Where the transfer functions and
    their slopes are bounded, every fixed point lies in a box (interval arithmetic on the equations)
    and the signs of det(-Jacobian) sum to 1: while they do not, or while a point was hit only once,
    up to four further sets of starts follow; then the status says "incomplete" where they do not.
    Where they are not bounded, regions grow to 1000 times the scale of the input.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        starts: random starts in each set, a power of two.
        seed: of the starts.
        time: when the inputs are held.
        throw: raise an error where there is none.
        progress: called with what is being done and the part, 0 to 1, that is done.

    Returns:
        The points by mean rate. A status "incomplete" is no failure and does not raise.

    Raises:
        ParameterError: a number of starts that is no power of two, or a call under jit or grad.
        SolverError: with `throw`, no fixed point was found.

    Source: Farrell, Birkisson and Funke, SIAM J Sci Comput 2015 (deflation).
    """
    refuse_tracers((parameters, time), "fixed_points", "motifield.pure.fixed_point")
    require_x64()
    system.check(parameters)
    if starts < 2 or starts & (starts - 1):
        raise ParameterError(
            f"starts = {starts} must be a power of two, at least 2 (a Sobol sequence)"
        )
    say = progress or (lambda text, part: None)
    model = Autonomous(system, parameters.P, jnp.asarray(float(time)))
    bounds = transfer_bounds(system, parameters)
    search = _Search(model, parameters, starts, seed)
    box = None
    if bounds.are_finite and not system.mean_field.is_static:
        box = _box(model, parameters, tuple(map(jnp.asarray, bounds.rows)))
    is_bounded = box is not None and bool(
        np.all(np.isfinite(np.asarray(model.state(box.box[0]).K)))
    )
    region = _in_box(search, box, say) if is_bounded else _growing(search, model, parameters, say)
    found = _result(search, is_bounded, region, parameters.populations)
    raise_on_failure(found.status, throw)
    return found


def _index(points: list[FixedPoint]) -> int:
    return int(sum(np.sign(np.linalg.det(-p.jacobian)) for p in points))


def _in_box(search: _Search, region: Region | None, say: Callable[[str, float], None]) -> str:
    assert region is not None
    for k in range(SETS):
        say("starts", k / SETS)
        search.exhaust(region)
        if _index(search.described()) == 1 and 1 not in search.hits:
            break
    low, high = (np.asarray(search.model.state(v).K) for v in region.box)
    return (
        "transfer functions are bounded (evaluated for |x| to 1e9): every fixed point has K within "
        f"{low.min():.4g} to {high.max():.4g}"
    )


def _growing(
    search: _Search, model: Autonomous, parameters: Parameters, say: Callable[[str, float], None]
) -> str:
    for k, growth in enumerate(GROWTHS):
        say("starts", k / len(GROWTHS))
        region = open_region(model, parameters, growth)
        search.exhaust(region)
    width = float(jnp.max(jnp.where(jnp.isfinite(region.box[1]), region.box[1], 0.0)))
    if model.system.mean_field.is_static:
        return f"no bound is known for susceptibilities: searched to |K| = {width:.4g}"
    return f"a transfer function or its slope is not bounded: searched to |K| = {width:.4g}"


def _result(
    search: _Search, is_bounded: bool, region: str, populations: tuple[str, ...]
) -> FixedPoints:
    points = search.described()
    index = None if any(p.kind == "non-hyperbolic" for p in points) else _index(points)
    kept = [k for k, p in enumerate(points) if p.converged]
    kept.sort(key=lambda k: float(points[k].dataset["rate"].mean()))
    evidence = Evidence(
        starts=search.used,
        rounds=search.rounds,
        hits=tuple(search.hits[k] for k in kept),
        failed=search.failed,
        chance=sum(h == 1 for h in search.hits) / max(search.plain, 1),
        index=index,
        is_bounded=is_bounded,
        region=region,
        unphysical=len(points) - len(kept),
    )
    status = OK
    if is_bounded and index is not None and index != 1:
        text = f"the indices of the {len(points)} points sum to {index}, not 1; try more starts"
        status = Status(f"incomplete: {text}", Code.INCOMPLETE)
    elif not kept:
        status = Status(f"none found: {region}", Code.NOT_CONVERGED)
    return FixedPoints(tuple(points[k] for k in kept), evidence, status, populations)
