"""The search for all fixed points: Newton's method from many starts, deflation, the index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...errors import ParameterError
from ...keeping import kept
from ..parameters import Parameters
from ..precision import require_x64
from ..results import OK, Code, Status, raise_on_failure
from ..system import Autonomous, System, tables_reach, within_tables
from ..tangents import refuse_tracers
from .beside import Beside, beside
from .newton import roots_from
from .point import NEARLY, FixedPoint, Seen
from .points import Evidence, FixedPoints
from .proof import Proof, proof
from .region import Region, region_of, state_box, transfer_bounds
from .scales import state_scale
from .sobol import sobol
from .solve import seen_at
from .starts import starts_in
from .unbounded import SHARE, OpenRegion, open_region

ROOM = 16  # known roots are passed in arrays of multiples of this, so that few shapes compile
ROUNDS = 12  # of one set of starts; each but the last finds something
SETS = 5  # of starts, while the index says that a point is missing or one was hit only once
GROWTHS = (1.0, 30.0, 1000.0)
"""Sizes of the searched region in units of the network's currents, where nothing bounds them."""
SLACK = 1e-6  # roots may lie this far beyond the box, whose bounds they can touch
NEAR = 1e-2  # part of the states' sizes: the same place
APART = 1e-4  # places nearer than this, relative to the states, are looked at once


@kept
def _box(model: Autonomous, parameters: Parameters, bounds: tuple) -> Region:
    return region_of(model, parameters, bounds[:2], state_box(model, parameters, bounds))


_starts: Any = kept(starts_in)
_open: Any = kept(open_region)
_scale: Any = kept(state_scale)
_seen: Any = kept(seen_at)


@kept
def _round(
    model: Autonomous, own: Parameters, region: Any, starts: Any, known: Any, scale: Any
) -> Proof:
    """The proofs at the ends of Newton's method; scale: of the states, and for deflation."""
    ends, _ = roots_from(model, own, region, starts, known, scale[1])
    return _proofs(model, own, ends, scale[0])


@kept
def _proofs(model: Autonomous, own: Parameters, ends: Any, scale: Any) -> Proof:
    return jax.vmap(lambda y: proof(model, own, y, scale))(ends)


@kept
def _beside(model: Autonomous, own: Parameters, ends: Any, scale: Any) -> Beside:
    return jax.vmap(lambda y: beside(model, own, y, scale))(ends)


class _Search:
    """Roots found so far in a region, and what it took."""

    def __init__(
        self,
        system: System,
        model: Autonomous,
        parameters: Parameters,
        starts: int,
        seed: int,
    ):
        self.system, self.model = system, model
        self.parameters, self.starts = parameters, starts
        self.next = sobol(2 * model.P + 1, seed)
        self.scale = np.asarray(_scale(model, parameters))
        self.roots: list[Proof] = []
        self.hits: list[int] = []
        self.nearly: list[np.ndarray] = []
        self.undecided: list[np.ndarray] = []
        self.curves: list[np.ndarray] = []
        self.used = self.rounds = self.failed = self.plain = 0

    def points(self) -> np.ndarray:
        return self.next(self.starts)

    def round(self, region: Region | OpenRegion, points: np.ndarray, deflate: bool) -> int:
        """How many new roots one round of starts finds."""
        model, own = self.model, self.parameters
        low, high = (np.asarray(v) for v in region.box)
        width = np.where(np.isfinite(high - low), high - low, 0.0)
        # deflation reaches a quarter of the box: starts leave a root, and keep apart from others
        apart = np.minimum(width, 2 * region.width) if isinstance(region, OpenRegion) else width
        reach = np.where(width > 0, 0.25 * apart, self.scale)
        starts = _starts(model, own, region, jnp.asarray(points))
        known = np.full((ROOM * (1 + len(self.roots) // ROOM), model.size), np.nan)
        if deflate and self.roots:
            known[: len(self.roots)] = [root.state for root in self.roots]
        made = _round(model, own, region, starts, jnp.asarray(known), (self.scale, reach))
        found = _in_numpy(made)
        before = len(self.roots)
        slack = SLACK * (width + self.scale)
        inside = np.all((found.state >= low - slack) & (found.state <= high + slack), axis=1)
        self.take(found, inside | ~np.isfinite(high - low).all(), count=not deflate)
        self.used += len(points)
        self.rounds += 1
        self.plain += 0 if deflate else len(points)
        return len(self.roots) - before

    def take(self, found: Proof, inside: np.ndarray, count: bool = False) -> None:
        """Keep those ends that are proven, and those that may be fixed points all the same."""
        ends = [Proof(*each) for each in zip(*found, strict=True)]
        for end, is_in in zip(ends, inside, strict=True):
            if is_in and np.all(np.isfinite(end.radius)):
                self.add(end, count)
            elif is_in and end.residual < NEARLY:
                _add_apart(self.nearly, end.state, APART * (np.abs(end.state) + self.scale))
            else:
                self.failed += count

    def add(self, root: Proof, count: bool) -> None:
        """Two proven ends are one root if their boxes, with one root in each, overlap."""
        for k, other in enumerate(self.roots):
            if np.all(np.abs(root.state - other.state) <= root.radius + other.radius):
                self.hits[k] += count
                return
        self.roots.append(root)
        self.hits.append(int(count))

    def exhaust(self, region: Region | OpenRegion) -> int:
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
        return found + self.decide()

    def decide(self) -> int:
        """Look beside what is nearly a fixed point; how many roots that finds."""
        before = len(self.roots)
        for at in range(0, len(self.nearly), ROOM):
            some = np.array(self.nearly[at : at + ROOM])
            given = (self.model, self.parameters)
            filled = np.resize(some, (ROOM, self.model.size))
            every = _beside(*given, filled, self.scale)
            there = Beside(*[np.asarray(v)[: len(some)] for v in every])  # type: ignore[arg-type]
            for k, y in enumerate(some):
                weights = np.abs(y) + self.scale
                if there.curve[k]:
                    _add_apart(self.curves, y, np.inf * weights)
                elif not there.none[k] and not there.pair[k]:
                    is_near = np.all(np.abs(there.vertex[k] - y) < NEAR * weights)
                    _add_apart(self.undecided, there.vertex[k] if is_near else y, APART * weights)
            pairs = there.starts[there.pair].reshape(-1, self.model.size)
            if len(pairs):
                filled = np.resize(pairs, (2 * ROOM, self.model.size))
                made = _in_numpy(_proofs(*given, filled, self.scale))
                self.take(made, np.ones(2 * ROOM, dtype=bool))
        self.nearly.clear()
        return len(self.roots) - before

    def described(self) -> list[FixedPoint]:
        model, own = self.model, self.parameters
        found = [_seen(model, own, jax.tree.map(np.asarray, root)) for root in self.roots]
        every = (Seen(*seen) for seen in found)
        return [FixedPoint.of(self.system, own, model.state(s.proof.state), s) for s in every]


def _in_numpy(found: Proof) -> Proof:
    return jax.tree.map(np.asarray, found)


def _add_apart(known: list[np.ndarray], y: Any, apart: Any) -> None:
    if not any(np.all(np.abs(y - other) <= apart) for other in known):
        known.append(y)


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
    Where they are not bounded, regions grow to 1000 times the largest current at which recurrence
    or the input matters, half of the starts lie where the variance that the rates make sustains
    them, however far out, a quarter have the pattern that grows fastest, and nothing tells whether
    there are others. The set of points does not
    depend on the units of currents and rates.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        starts: random starts in each set, a power of two.
        seed: of the starts.
        time: when the inputs are held.
        throw: raise an error where there is none.
        progress: called with what is being done and the part, 0 to 1, that is done.

    Returns:
        The points by mean rate: of each it is proven that the equations have a fixed point within
        its `radius`, and no other. The status says "undecided" where the equations come so close to
        zero that their accuracy does not tell whether they reach it (beside a fold), "continuum"
        where fixed points fill a curve; these, and "incomplete", are no failures and do not raise.

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
    model = Autonomous(system, parameters.P, jnp.asarray(np.asarray(float(time))))
    box = _bounded(model, parameters)
    search = _Search(system, _tabulated(model, parameters, box), parameters, starts, seed)
    region = _in_box(search, box, say) if box else _growing(search, model, parameters, say)
    found = _result(search, box is not None, region, parameters.populations)
    raise_on_failure(found.status, throw)
    return found


def _bounded(model: Autonomous, parameters: Parameters) -> Region | None:
    """A box with every fixed point, or None where nothing bounds them."""
    bounds = transfer_bounds(model.system, parameters)
    if not bounds.are_finite or model.system.mean_field.is_static:
        return None
    box = _box(model, parameters, tuple(map(jnp.asarray, bounds.rows)))
    return box if np.all(np.isfinite(np.asarray(model.state(box.box[0]).K))) else None


def _tabulated(model: Autonomous, parameters: Parameters, box: Region | None) -> Autonomous:
    """The same equations from tables alone, where these reach as far as the box."""
    quick = within_tables(model.system)
    if box is None or quick is model.system:
        return model
    means = jnp.stack([model.state(v).K for v in box.box])
    reached = tables_reach(quick, parameters, means, box.spread**2)
    return Autonomous(quick, model.P, model.time) if reached else model


def _index(search: _Search) -> int:
    return int(sum(np.linalg.slogdet(-root.jacobian).sign for root in search.roots))


def _in_box(search: _Search, region: Region | None, say: Callable[[str, float], None]) -> str:
    assert region is not None
    for k in range(SETS):
        say("starts", k / SETS)
        search.exhaust(region)
        is_open = bool(search.undecided or search.curves)
        if (_index(search) == 1 or is_open) and 1 not in search.hits:
            break
    low, high = (np.asarray(search.model.state(v).K) for v in region.box)
    return (
        "transfer functions are bounded (evaluated on all scales): every fixed point has K within "
        f"{low.min():.4g} to {high.max():.4g}"
    )


def _growing(
    search: _Search, model: Autonomous, parameters: Parameters, say: Callable[[str, float], None]
) -> str:
    for k, growth in enumerate(GROWTHS):
        say("starts", k / len(GROWTHS))
        region = _open(model, parameters, jnp.asarray(growth), jnp.asarray(SHARE if k else 0.0))
        search.exhaust(region)
    where = (
        f"searched to |K| = {float(region.width):.4g}, and farther out where the variance that the "
        "rates make sustains them"
    )
    if model.system.mean_field.is_static:
        return f"no bound is known for susceptibilities: {where}"
    return (
        "nothing bounds the fixed points, as a transfer function or its slope has no bound: "
        f"{where}"
    )


def _result(
    search: _Search, is_bounded: bool, region: str, populations: tuple[str, ...]
) -> FixedPoints:
    points = search.described()
    index = None if search.undecided or search.curves else _index(search)
    kept = [k for k, p in enumerate(points) if p.converged]
    kept.sort(key=lambda k: float(points[k].numbers["rate"].mean()))
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
        undecided=len(search.undecided),
    )
    status = OK
    if search.curves:
        where = _named(search, search.curves[0])
        text = f"continuum: fixed points fill a curve, through {where}, where none is isolated"
        status = Status(text, Code.UNDECIDED)
    elif search.undecided:
        where = _named(search, search.undecided[0])
        text = (
            f"undecided: whether there are fixed points near {where} is beyond the accuracy of the "
            "equations; a fold or a branch point is there"
        )
        status = Status(text, Code.UNDECIDED)
    elif is_bounded and index is not None and index != 1:
        text = f"the indices of the {len(points)} points sum to {index}, not 1; try more starts"
        status = Status(f"incomplete: {text}", Code.INCOMPLETE)
    elif not kept:
        status = Status(f"none found: {region}", Code.NOT_CONVERGED)
    return FixedPoints(tuple(points[k] for k in kept), evidence, status, populations)


def _named(search: _Search, y: np.ndarray) -> str:
    means = np.asarray(search.model.state(jnp.asarray(y)).K)
    pairs = zip(search.parameters.populations, means, strict=True)
    return ", ".join(f"mean {p} = {v:.6g}" for p, v in pairs)
