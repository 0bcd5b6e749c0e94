"""The points of a sweep: the values of parameters, and along which dimensions they lie."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ParameterError
from ...numbers import counted

DESIGNS = ("grid", "zip", "sobol", "latin", "random")
SEED = "seed"
"""The axis of random seeds, which is no parameter: it goes to the function that is swept."""
SAMPLE = "sample"
"""The dimension of points that do not lie on a grid."""
Axis = str | tuple[str, ...]


@dataclass(frozen=True)
class Points:
    """Values of parameters at n points.

    Args:
        names: of the parameters, K.
        values: (n, K); of a grid in the order in which its last dimension changes fastest.
        sizes: of the dimensions by name, whose product is n.
        coords: dimension and values of every coordinate.
    """

    names: tuple[str, ...]
    values: np.ndarray
    sizes: Mapping[str, int]
    coords: Mapping[str, tuple[str, np.ndarray]]

    @property
    def count(self) -> int:
        """How many points there are."""
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions."""
        return tuple(self.sizes.values())

    def seeds(self, where: np.ndarray) -> np.ndarray | None:
        """The seeds of some points; None where seeds are no axis."""
        if SEED not in self.names:
            return None
        return self.values[where, self.names.index(SEED)].astype(int)

    def numbers(self, where: np.ndarray) -> np.ndarray:
        """The values of the parameters proper at some points."""
        own = [k for k, name in enumerate(self.names) if name != SEED]
        return self.values[where][:, own]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters proper."""
        return tuple(name for name in self.names if name != SEED)

    def blocks(self, most: int) -> Iterator[tuple[slice, ...]]:
        """Rectangles of the grid with at most this many points each, that cover it."""
        yield from blocks_of(self.shape, block_shape(self.shape, most))

    def within(self, block: tuple[slice, ...]) -> np.ndarray:
        """The places of a block's points among all, in the block's order."""
        axes = [np.arange(n)[own] for n, own in zip(self.shape, block, strict=True)]
        return np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), self.shape).ravel()


def block_shape(shape: Sequence[int], most: int) -> tuple[int, ...]:
    """Sides of blocks with at most this many points, as equal as can be.

    Their points are near each other, along every dimension, and their number is nearly the same.
    """
    parts, found = [1] * len(shape), list(shape)
    while math.prod(found) > max(most, 1):
        longest = max(range(len(shape)), key=lambda k: found[k])
        while found[longest] == -(-shape[longest] // parts[longest]):
            parts[longest] += 1
        found[longest] = -(-shape[longest] // parts[longest])
    return tuple(found)


def blocks_of(shape: Sequence[int], sides: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Blocks of these sides that cover a grid, the last ones along a dimension smaller."""
    starts = [range(0, n, own) for n, own in zip(shape, sides, strict=True)]
    for at in itertools.product(*starts):
        ends = zip(at, sides, shape, strict=True)
        yield tuple(slice(first, min(first + own, n)) for first, own, n in ends)


def points_of(over: Any, design: str = "grid", count: int | None = None, seed: int = 0) -> Points:
    """The points that a call asks for.

    Args:
        over: {name: values}; of a grid also {(name, name): [(value, value), ...]} for parameters
            that change together along one axis; for samples {name: (lowest, highest)}, or a prior
            where the design is "random"; or a DataFrame with a column for each parameter.
        design: "grid", the outer product; "zip", all values side by side; "sobol" and "latin",
            points that fill the intervals evenly (scipy.stats.qmc); "random".
        count: of samples.
        seed: of samples.

    Raises:
        ParameterError: an unknown design, no values, values that are no numbers, sides of
            different lengths.
    """
    if design not in DESIGNS:
        raise ParameterError(f"unknown design {design!r}: known are {', '.join(DESIGNS)}")
    if hasattr(over, "columns"):
        over, design = {str(n): over[n].to_numpy() for n in over.columns}, "zip"
    if not isinstance(over, Mapping) or not over:
        raise ParameterError('over names what is varied: {"input[E]": [0.0, 0.5, 1.0]}')
    if design in ("grid", "zip"):
        if count is not None:
            raise ParameterError(f'count = {count} is of samples: give design="sobol", say')
        return _grid(over) if design == "grid" else _side_by_side(over)
    if count is None or count < 1:
        raise ParameterError(f"a {design} design needs the number of its points: count = {count}")
    return _side_by_side(_sampled(over, design, count, seed))


def _numbers(axis: Axis, values: Any) -> np.ndarray:
    """The values of an axis, (length, names)."""
    names = (axis,) if isinstance(axis, str) else tuple(axis)
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{_called(axis)}: values are numbers: {values!r}") from None
    rank = 1 if isinstance(axis, str) else 2
    if found.ndim != rank or not len(found) or (rank == 2 and found.shape[1] != len(names)):
        wanted = "a list of numbers" if rank == 1 else f"a list of {len(names)} numbers each"
        raise ParameterError(f"{_called(axis)}: values are {wanted}, with one at least")
    if not np.isfinite(found).all():
        raise ParameterError(f"{_called(axis)}: a value is not finite")
    found = found.reshape(len(found), -1)
    if SEED in names and np.any(found[:, names.index(SEED)] % 1):
        raise ParameterError(f"{SEED}: seeds are whole numbers")
    return found


def _called(axis: Axis) -> str:
    return axis if isinstance(axis, str) else ", ".join(axis)


def _grid(over: Mapping[Axis, Any]) -> Points:
    axes = {axis: _numbers(axis, values) for axis, values in over.items()}
    names = [n for axis in axes for n in ((axis,) if isinstance(axis, str) else axis)]
    _refuse_twice(names)
    sizes = {_called(axis): len(values) for axis, values in axes.items()}
    places = np.indices(tuple(sizes.values())).reshape(len(sizes), math.prod(sizes.values()))
    each = [own[at] for own, at in zip(axes.values(), places, strict=True)]
    coords = {}
    for axis, own in axes.items():
        for k, name in enumerate((axis,) if isinstance(axis, str) else axis):
            coords[name] = (_called(axis), own[:, k])
    return Points(tuple(names), np.concatenate(each, axis=1), sizes, coords)


def _side_by_side(over: Mapping[Axis, Any]) -> Points:
    names = [str(name) for name in over]
    _refuse_twice(names)
    columns = [
        _numbers(name, values)[:, 0] for name, values in zip(names, over.values(), strict=True)
    ]
    lengths = {len(c) for c in columns}
    if len(lengths) > 1:
        each = ", ".join(f"{n}: {len(c)}" for n, c in zip(names, columns, strict=True))
        raise ParameterError(f"values that change together are equally many: there are {each}")
    values = np.stack(columns, axis=1)
    coords = {name: (SAMPLE, values[:, k]) for k, name in enumerate(names)}
    return Points(tuple(names), values, {SAMPLE: len(values)}, coords)


def _refuse_twice(names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ParameterError(f"{twice[0]!r} is varied twice")


def _sampled(over: Mapping[Axis, Any], design: str, count: int, seed: int) -> Mapping[Axis, Any]:
    if design == "random":
        rng = np.random.default_rng(seed)
        return {str(n): _drawn(n, own, count, rng) for n, own in over.items()}
    from scipy.stats import qmc

    ends = np.array([_ends(name, own) for name, own in over.items()])
    engine = qmc.Sobol if design == "sobol" else qmc.LatinHypercube
    sampler = engine(len(ends), rng=np.random.default_rng(seed))
    if design == "sobol":  # 2^k points are even; the first of them are nearly so
        unit = sampler.random_base2(max(math.ceil(math.log2(count)), 0))[:count]
    else:
        unit = sampler.random(count)
    values = ends[:, 0] + unit * (ends[:, 1] - ends[:, 0])
    return {str(name): values[:, k] for k, name in enumerate(over)}


def _drawn(name: Axis, own: Any, count: int, rng: np.random.Generator) -> np.ndarray:
    """From a prior, or evenly between two ends."""
    if hasattr(own, "sample"):
        return np.asarray(own.sample(rng, count), dtype=float)
    return rng.uniform(*_ends(name, own), count)


def _ends(name: Axis, own: Any) -> tuple[float, float]:
    ends = np.atleast_1d(_numbers(_called(name), own)[:, 0])
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise ParameterError(
            f"{_called(name)}: samples lie between two ends, (lowest, highest); there "
            f"{'is' if len(ends) == 1 else 'are'} {counted(len(ends), 'number')}: {ends.tolist()}"
        )
    return float(ends[0]), float(ends[1])
