"""A fixed point of mean-field equations, from a start, with its linear stability, its kind, and what its leading mode moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree
from scipy.stats import qmc

from ...errors import ParameterError
from ..parameters import Parameters
from ..precision import require_x64
from ..system import Autonomous, System
from .newton import Region, open_region, region_of, roots_from, settle_others, start_states
from .point import LARGEST_RESIDUAL, FixedPoint, made
from .region import state_box, transfer_bounds

"""Residual of a point that was found elsewhere, perhaps in a file."""
"""A real part smaller than this, relative to the largest eigenvalue, decides nothing."""

MERGE = 1e-6
"""Roots nearer than this, relative to the size of the states, are one."""
ROOM = 16
ROUNDS = 12
GROWTHS = (1.0, 30.0, 1000.0)


@dataclass(frozen=True)
class Evidence:
    """Why there should be no further fixed point.

    starts: of Newton's method in all; rounds: of starts, the later ones with the roots found divided out; hits: how often each point was
    reached by starts with nothing divided out, in the order of the points, and failed: how many of those led nowhere; chance: that one more
    such start finds a new point (Good-Turing: points that were hit once, per start); index: sum of the signs of det(-Jacobian) over all
    points, which is 1 where the states are bounded; None where a point is degenerate; region: where the search went; unphysical: solutions
    with a negative variance, left out.
    """

    starts: int
    rounds: int
    hits: tuple[int, ...]
    failed: int
    chance: float
    index: int | None
    is_bounded: bool
    region: str
    unphysical: int = 0

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **{
                k: getattr(self, k)
                for k in (
                    "starts",
                    "rounds",
                    "failed",
                    "chance",
                    "index",
                    "is_bounded",
                    "region",
                    "unphysical",
                )
            },
            "hits": list(self.hits),
        }

    def __str__(self) -> str:
        sum_of = "not decided (a point is degenerate)" if self.index is None else self.index
        return (
            f"{self.starts} starts in {self.rounds} rounds; hits {list(self.hits)}, {self.failed} led nowhere; chance that one more start finds "
            f"a new point {self.chance:.2g}; sum of indices {sum_of}{' (1 expected)' if self.is_bounded else ''}; {self.region}"
        )


@dataclass(frozen=True)
class FixedPoints(Sequence):
    """All fixed points that were found, by mean rate; make them with `fixed_points`.

    points: `FixedPoint`s; evidence: why there should be no others, None for points that were reached from given
    starts alone (`collected`); status: "ok", or "incomplete: ..." when a point is known to be missing.
    """

    points: tuple[FixedPoint, ...]
    evidence: Evidence | None
    status: str
    populations: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.points)

    @overload
    def __getitem__(self, k: int) -> FixedPoint: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[FixedPoint]: ...
    def __getitem__(self, k):
        return self.points[k]

    @property
    def stable(self) -> list[FixedPoint]:
        """Those that are stable in the mean-field equations."""
        return [p for p in self.points if p.stable]

    @property
    def dataset(self) -> xr.Dataset:
        """`mean`, `variance`, `kappa`, `rate` and others over (point, population); `residual`, `stable` (1, 0, NaN for static equations), `kind`,
        `hits` over (point).
        """
        data = xr.concat([p.dataset for p in self.points], "point") if self.points else xr.Dataset()
        one = {
            "residual": [p.residual for p in self.points],
            "stable": [np.nan if p.stable is None else float(p.stable) for p in self.points],
            "kind": np.array([p.kind for p in self.points], dtype=str),
            "hits": np.array(self._hits, dtype=float),
        }
        made_of = data.assign({name: ("point", np.asarray(v)) for name, v in one.items()})
        if self.points:
            made_of["eigenvalues"] = (
                ("point", "mode"),
                np.stack([p.eigenvalues for p in self.points]),
            )
        made_of.attrs = {"status": self.status, "evidence": str(self.evidence)}
        return made_of

    @property
    def _hits(self) -> list[int | None]:
        return [None] * len(self.points) if self.evidence is None else list(self.evidence.hits)

    def rows(self) -> list[dict[str, Any]]:
        """A row per point, for a table."""
        return [
            {
                "point": k + 1,
                "kind": p.kind,
                "leading eigenvalue": complex(p.eigenvalues[0]),
                "hits": self._hits[k],
                **{
                    f"{what} {name}": float(p.dataset[what].sel(population=name))
                    for what in ("mean", "variance", "rate")
                    for name in self.populations
                },
                **{
                    f"mode moves {what} {name}": part
                    for what, own in p.leading.items()
                    for name, part in own.items()
                },
            }
            for k, p in enumerate(self.points)
        ]

    def json(self) -> dict[str, Any]:
        """Plain data: points, evidence, status."""
        return {
            "status": self.status,
            "populations": list(self.populations),
            "points": [p.json() for p in self.points],
            "evidence": None if self.evidence is None else self.evidence.json(),
        }


@eqx.filter_jit
def _box(model: Autonomous, parameters: Parameters, bounds: tuple) -> Region:
    return region_of(model, parameters, bounds[:2], state_box(model, parameters, bounds))


@eqx.filter_jit
def _spread(model: Autonomous, parameters: Parameters, region: Region, points: Any):
    def start(u):
        return settle_others(model, parameters, start_states(model, parameters, region, u))

    return jax.vmap(start)(points)


@eqx.filter_jit
def _round(
    model: Autonomous, parameters: Parameters, region: Region, starts: Any, known: Any, scale: Any
):
    return roots_from(model, parameters, region, starts, known, scale)


@eqx.filter_jit
def _describe(model: Autonomous, parameters: Parameters, y: Any):
    seen = model.observables(y, parameters)
    spread = jax.jacfwd(lambda v: model.observables(v, parameters)["variance"])(y)
    return (
        jnp.max(jnp.abs(model.field(y, parameters))),
        model.jacobian(y, parameters),
        spread,
        seen["variance"],
        seen["rate"],
    )


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
        low, high = (np.asarray(v) for v in region.box)
        scale = np.maximum(np.where(np.isfinite(high - low), 0.25 * (high - low), 1.0), 1e-3)
        starts = _spread(self.model, self.parameters, region, jnp.asarray(points))
        known = np.full((ROOM * (1 + len(self.roots) // ROOM), self.model.size), np.nan)
        if deflate and self.roots:
            known[: len(self.roots)] = self.roots
        ends, residuals = map(
            np.asarray,
            _round(
                self.model, self.parameters, region, starts, jnp.asarray(known), jnp.asarray(scale)
            ),
        )
        slack = 1e-6 * (1 + np.abs(high - low))
        inside = (
            np.all((ends >= low - slack) & (ends <= high + slack), axis=1)
            | ~np.isfinite(slack).all()
        )
        before = len(self.roots)
        for end, residual, is_in in zip(ends, residuals, inside, strict=True):
            if residual < LARGEST_RESIDUAL and is_in and np.all(np.isfinite(end)):
                self.add(end, count=not deflate)
            elif not deflate:
                self.failed += 1
        self.used, self.rounds, self.plain = (
            self.used + len(points),
            self.rounds + 1,
            self.plain + (0 if deflate else len(points)),
        )
        return len(self.roots) - before

    def add(self, y: np.ndarray, count: bool) -> None:
        for k, other in enumerate(self.roots):
            if np.max(np.abs(y - other)) < MERGE * (1 + np.max(np.abs(other))):
                self.hits[k] += count
                return
        self.roots.append(y)
        self.hits.append(int(count))

    def exhaust(self, region: Region) -> int:
        """Rounds of one set of starts until, with all that is found divided out, it finds nothing; how many roots are new."""
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
        return [
            made(
                model.system,
                own,
                model.state(jnp.asarray(y)),
                *_describe(model, own, jnp.asarray(y)),
            )
            for y in self.roots
        ]


def fixed_points(
    system: System,
    parameters: Parameters,
    *,
    starts: int = 128,
    seed: int = 0,
    time: float = 0.0,
    progress: Callable[[str, float], None] | None = None,
) -> FixedPoints:
    """All fixed points, stable and unstable, and the evidence that these are all.

    Newton's method from many starts at once, spread (Sobol) over what fixed points depend on, rates and mean currents or means and
    variances; then again from the same starts with the roots found divided out (deflation), until a whole round finds nothing new. Where the
    transfer functions and their slopes are bounded, every fixed point lies in a box (interval arithmetic on the equations) and the signs of
    det(-Jacobian) sum to 1: while they do not, or while a point was hit only once, up to four further sets of starts follow; then the status
    says "incomplete" where they do not. Where they are not bounded, regions grow to 1000 times the scale of the input. Inputs are
    held at their values at `time`. starts: per set, a power of two; seed: of the starts. Raises `ParameterError` for other numbers of starts.
    """
    require_x64()
    system.check(parameters)
    if starts < 2 or starts & (starts - 1):
        raise ParameterError(
            f"starts = {starts} must be a power of two, at least 2 (a Sobol sequence)"
        )
    say = progress or (lambda what, part: None)
    model = Autonomous(system, parameters.P, jnp.asarray(float(time)))  # type: ignore[arg-type]
    bounds = transfer_bounds(system, parameters)
    search = _Search(model, parameters, starts, seed)
    box = None
    if bounds.are_finite and not system.mean_field.is_static:
        ends = (bounds.low, bounds.high, bounds.least_slope, bounds.largest_slope)
        box = _box(model, parameters, tuple(map(jnp.asarray, ends)))
    is_bounded = box is not None and bool(
        np.all(np.isfinite(np.asarray(model.state(box.box[0]).K)))
    )
    region = _in_box(search, box, say) if is_bounded else _growing(search, model, parameters, say)
    points = search.described()
    index = None if any(p.kind == "non-hyperbolic" for p in points) else _index(points)
    return _result(points, search, is_bounded, region, index, parameters.populations)


def collected(points: Sequence[FixedPoint], populations: tuple[str, ...]) -> FixedPoints:
    """Points reached from given starts, each once, in the order of the starts; the status names those that were not reached."""
    kept: list[FixedPoint] = []
    for point in points:
        y, others = ravel_pytree(point.state)[0], [ravel_pytree(other.state)[0] for other in kept]
        if not any(
            np.max(np.abs(y - other)) < MERGE * (1 + np.max(np.abs(other))) for other in others
        ):
            kept.append(point)
    wrong = "; ".join(p.status for p in kept if not p.converged)
    return FixedPoints(tuple(kept), None, wrong or "ok", populations)


def _index(points: list[FixedPoint]) -> int:
    return int(sum(np.sign(np.linalg.det(-p.jacobian)) for p in points))


def _in_box(search: _Search, region: Region | None, say: Callable[[str, float], None]) -> str:
    assert region is not None
    for k in range(5):
        say("starts", k / 5)
        search.exhaust(region)
        if _index(search.described()) == 1 and 1 not in search.hits:
            break
    low, high = (np.asarray(search.model.state(v).K) for v in region.box)
    return f"transfer functions are bounded (evaluated for |x| to 1e9): every fixed point has K within {low.min():.4g} to {high.max():.4g}"


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
    points: list[FixedPoint],
    search: _Search,
    is_bounded: bool,
    region: str,
    index: int | None,
    populations: tuple[str, ...],
) -> FixedPoints:
    kept = [k for k, p in enumerate(points) if p.converged]
    kept.sort(key=lambda k: float(points[k].dataset["rate"].mean()))
    hits = tuple(search.hits[k] for k in kept)
    chance = sum(h == 1 for h in search.hits) / max(search.plain, 1)
    evidence = Evidence(
        search.used,
        search.rounds,
        hits,
        search.failed,
        chance,
        index,
        is_bounded,
        region,
        len(points) - len(kept),
    )
    if is_bounded and index is not None and index != 1:
        status = f"incomplete: the indices of the {len(points)} points sum to {index}, not 1; try more starts"
    elif not kept:
        status = f"none found: {region}"
    else:
        status = "ok"
    return FixedPoints(tuple(points[k] for k in kept), evidence, status, populations)
