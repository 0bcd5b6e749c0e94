"""What a fit may change: numbers of the parameters by name, in bounds, and motifs that stay feasible; as coordinates that have no bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..parameters import INPUTS, MOTIFS, Constant, Parameters, Scalar, Signals, entry_names, scalar
from .motif_coordinates import FreeMotifs, MotifCoordinates

PERSISTENCE = "persistence"
"""persistence[p]: correlation between two conditions of the static offsets xi_i of the inputs to neurons of population p; 1 unless it is free."""
NEARLY = 0.9
"""Where between its bounds a free persistence starts."""
FAR = 1.5
"""Random starts of a one-sided unknown without prior are within a factor of e^FAR of its value."""


class Prior(Protocol):
    """What is known of a number before the fit: `priors.Normal`, `priors.LogNormal`."""

    def residual(self, value: Any) -> Any:
        """The standardised difference, half of whose square is minus the logarithm of the density, but for a constant."""

    def sample(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """n values."""


@dataclass(frozen=True)
class Unknown:
    """A number to fit.

    name: as in `vary`, "mean[E,I]", "input[E]", "transfer.gain[E]", "factor(mean)", with wildcards for entries that share one value; several names
    are tied to one value; "persistence[E]" is the correlation between conditions of the static offsets of a population's inputs
    condition: the one that it belongs to, None for all; in a name "input[E] @ gratings" means the same
    low, high: bounds; prior: `Normal` or `LogNormal`; start: two values between which random starts lie
    """

    name: str | tuple[str, ...]
    condition: str | None = None
    low: float = -np.inf
    high: float = np.inf
    prior: Prior | None = None
    start: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        names = (self.name,) if isinstance(self.name, str) else tuple(self.name)
        if len(names) == 1 and "@" in names[0]:
            name, _, condition = names[0].partition("@")
            if self.condition is not None:
                raise ParameterError(
                    f"{self.name!r} names a condition, and condition = {self.condition!r} another one: give it once"
                )
            object.__setattr__(self, "condition", condition.strip())
            names = (name.strip(),)
        object.__setattr__(self, "name", names[0].strip() if len(names) == 1 else names)
        if any(_is_persistence(n) for n in names):
            if self.condition is not None or not all(_is_persistence(n) for n in names):
                raise ParameterError(
                    f"{self.label}: persistence belongs to all pairs of conditions and is tied to nothing else"
                )
            object.__setattr__(self, "low", max(self.low, -1.0))
            object.__setattr__(self, "high", min(self.high, 1.0))
        if not self.low < self.high:
            raise ParameterError(
                f"{self.label}: the bounds {self.low:g} and {self.high:g} must be increasing"
            )
        if self.start is not None and not (
            len(self.start) == 2 and self.low <= self.start[0] < self.start[1] <= self.high
        ):
            raise ParameterError(
                f"{self.label}: starts between {self.start} must be two increasing values within {self.low:g} and {self.high:g}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """All names that share the value."""
        return (self.name,) if isinstance(self.name, str) else self.name

    @property
    def label(self) -> str:
        """Its name, and its condition."""
        return " = ".join(self.names) + (f" @ {self.condition}" if self.condition else "")


def _is_persistence(name: str) -> bool:
    return name.partition("[")[0].strip() == PERSISTENCE


def dale(
    signs: Mapping[str, int],
    parameters: Parameters,
    *,
    prior: Mapping[str, Prior] = {},
    start: tuple[float, float] | None = None,
) -> list[Unknown]:
    """An unknown for each mean[p, q], of the sign that its source has: {"E": 1, "I": -1} (Dale's law). Entries that are 0 stay.

    prior: by name, "mean[E,I]"; start: two positive sizes. Raises `ParameterError` for a population without a sign.
    """
    missing = [q for q in parameters.populations if signs.get(q) not in (1, -1)]
    if missing:
        raise ParameterError(
            f"Dale's law needs a sign, 1 or -1, for every population: {missing[0]!r} has {signs.get(missing[0])!r}"
        )
    found, mean = [], np.asarray(parameters.mean)
    for p, target in enumerate(parameters.populations):
        for q, source in enumerate(parameters.populations):
            name = f"mean[{target},{source}]"
            if mean[p, q] != 0 or name in prior:
                ends = (
                    None
                    if start is None
                    else start
                    if signs[source] > 0
                    else (-start[1], -start[0])
                )
                low, high = (0.0, np.inf) if signs[source] > 0 else (-np.inf, 0.0)
                found.append(Unknown(name, low=low, high=high, prior=prior.get(name), start=ends))
    return found


@dataclass(frozen=True)
class Condition:
    """A state of the world in which something was measured: what differs from the common parameters.

    settings: numbers by name; replacements: whole inputs, `input`, `in_strength` or `spread`
    """

    name: str
    settings: tuple[tuple[Scalar, float], ...] = ()
    replacements: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, name: str, given: Mapping[str, Any], parameters: Parameters) -> Condition:
        """From names and values; raises `ParameterError`."""
        whole = {
            key: value for key, value in given.items() if key in INPUTS and not np.isscalar(value)
        }
        own = parameters.replace(**whole)
        settings = tuple(
            (scalar(key, own), float(value)) for key, value in given.items() if key not in whole
        )
        for made, value in settings:
            if not np.isfinite(value):
                raise ParameterError(f"condition {name}: {made.name} = {value} is not finite")
        return cls(name, settings, {key: getattr(own, key) for key in whole})

    def apply(self, parameters: Parameters) -> Parameters:
        """The parameters in this condition; pure."""
        return self.settle(
            parameters.replace(**self.replacements) if self.replacements else parameters
        )

    def settle(self, parameters: Parameters) -> Parameters:
        """The parameters with the numbers of this condition; pure."""
        for own, value in self.settings:
            parameters = own.set(parameters, value)
        return parameters


class Coordinates:
    """Unknowns of given parameters as a vector u of numbers without bounds; make it with `Coordinates.of`.

    names: of the natural values, one for each unknown and each motif coefficient that moves; labels: of the coordinates; size: their number.
    A value v is u itself, in units of that of the parameters, where it has no bounds; log|v - bound| with one; logit of its place between two.
    """

    def __init__(
        self,
        parameters: Parameters,
        conditions: Sequence[Condition],
        unknowns: Sequence[Unknown],
        motifs: MotifCoordinates,
        priors: Mapping[str, Prior],
    ):
        self.parameters, self.conditions, self.unknowns, self.motifs = (
            parameters,
            tuple(conditions),
            tuple(unknowns),
            motifs,
        )
        self._scalars = [_scalars(own, self.conditions, parameters) for own in unknowns]
        _refuse_overlaps(unknowns, self._scalars)
        self._base = [
            _value(own, scalars, self.conditions, parameters)
            for own, scalars in zip(unknowns, self._scalars, strict=True)
        ]
        self._entries = [scalar(name, parameters) for name in motifs.entries]
        self._of_inputs = [
            k
            for k, own in enumerate(unknowns)
            if own.condition is None
            and any(
                part.name.partition(".")[0] in INPUTS
                for made in self._scalars[k]
                if isinstance(made, Scalar)
                for part in made.parts
            )
        ]
        self.names = (*(u.label for u in unknowns), *motifs.entries)
        self.labels = (*(u.label for u in unknowns), *motifs.labels)
        self.priors = _priors(unknowns, priors, self.names, parameters)
        self._centre, self._scale = (
            (
                jnp.asarray(v)
                for v in zip(
                    *(_frame(u, b) for u, b in zip(unknowns, self._base, strict=True)), strict=True
                )
            )
            if unknowns
            else (jnp.zeros(0), jnp.ones(0))
        )

    @classmethod
    def of(
        cls,
        parameters: Parameters,
        conditions: Mapping[str, Mapping[str, Any]],
        unknowns: Sequence[Unknown | str],
        motifs: FreeMotifs | None = None,
        priors: Mapping[str, Prior] = {},
    ) -> Coordinates:
        """Raises `ParameterError` for names that are not there, twice the same, values out of bounds, or nothing to fit."""
        own = [Unknown(u) if isinstance(u, str) else u for u in unknowns]
        made = [Condition.of(name, given, parameters) for name, given in conditions.items()]
        labels = [u.label for u in own]
        twice = [label for label in labels if labels.count(label) > 1]
        if twice:
            raise ParameterError(f"{twice[0]} is unknown twice: name it once")
        coordinates = MotifCoordinates.of(motifs or FreeMotifs(), parameters)
        if not own and not len(coordinates):
            raise ParameterError("nothing is unknown: name parameters to fit, or free motifs")
        return cls(parameters, made, own, coordinates, priors)

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return len(self.labels)

    @property
    def arrays(self) -> dict[str, set[str]]:
        """The arrays of the parameters that each unknown changes, by its label; `persistence` among them."""
        return {
            own.label: {
                part.name.partition(".")[0]
                for made in places
                if isinstance(made, Scalar)
                for part in made.parts
            }
            | {PERSISTENCE for made in places if isinstance(made, np.ndarray)}
            for own, places in zip(self.unknowns, self._scalars, strict=True)
        }

    def scalar_values(self, u: Float[Array, " n"]) -> Array:
        """Values of the unknowns that are no motifs, (k,); pure."""
        x = u[: len(self.unknowns)]
        return (
            jnp.stack(
                [
                    _inward(own, x[k], self._centre[k], self._scale[k])
                    for k, own in enumerate(self.unknowns)
                ]
            )
            if self.unknowns
            else x
        )

    def values(self, u: Float[Array, " n"]) -> Array:
        """The natural values by `names`; pure."""
        common = self._common(u)
        return jnp.concatenate(
            [self.scalar_values(u), *(_read(own, common)[None] for own in self._entries)]
        )

    def common(self, u: Float[Array, " n"]) -> Parameters:
        """The parameters that all conditions share; pure."""
        return self._common(u)

    def of_condition(
        self, u: Float[Array, " n"], name: str, common: Parameters | None = None
    ) -> Parameters:
        """The parameters in a condition; pure."""
        condition, made, values = (
            self._condition(name),
            self.common(u) if common is None else common,
            self.scalar_values(u),
        )
        if condition.replacements:
            made = made.replace(**condition.replacements)
            for k in (
                self._of_inputs
            ):  # weights of signals are shared by the inputs of all conditions that have them
                made = _set(
                    [
                        own
                        for own in self._scalars[k]
                        if isinstance(own, Scalar) and _has(made, own)
                    ],
                    made,
                    values[k],
                )
        made = condition.settle(made)
        for k, own in enumerate(self.unknowns):
            if own.condition == name:
                made = _set(self._scalars[k], made, values[k])
        return made

    def persistence(self, u: Float[Array, " n"]) -> Array:
        """Correlation between conditions of the static offsets, (P,); pure."""
        found, values = jnp.ones(self.parameters.P), self.scalar_values(u)
        for k, places in enumerate(self._scalars):
            for where in places:
                if isinstance(where, np.ndarray):
                    found = jnp.where(where, values[k], found)
        return found

    def prior_residuals(self, u: Float[Array, " n"]) -> Array:
        """Standardised differences to the priors, in the order of `priors`; pure."""
        if not self.priors:
            return jnp.zeros(0)
        values, common = self.values(u), self._common(u)
        place = {name: k for k, name in enumerate(self.names)}
        return jnp.stack(
            [
                prior.residual(
                    values[place[name]]
                    if name in place
                    else _read(scalar(name, self.parameters), common)
                )
                for name, prior in self.priors.items()
            ]
        )

    def given(self) -> np.ndarray:
        """The coordinates of the parameters as they are; raises `ParameterError` for a value out of its bounds."""
        u = [
            _outward(own, value, float(c), float(s))
            for own, value, c, s in zip(
                self.unknowns, self._base, self._centre, self._scale, strict=True
            )
        ]
        return np.concatenate([u, self.motifs.coordinates(self.parameters)])

    def random(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Random starts, (n, size): from `start`, else the prior, else the bounds, else near the value that the parameters have."""
        columns = [
            _draw(own, base, float(c), float(s), generator, n)
            for own, base, c, s in zip(
                self.unknowns, self._base, self._centre, self._scale, strict=True
            )
        ]
        motifs = self.motifs.random(generator, n, float(self.parameters.N))
        return np.concatenate([np.stack(columns, axis=1), motifs], axis=1) if columns else motifs

    def _common(self, u: Array) -> Parameters:
        made, values = self.parameters, self.scalar_values(u)
        if len(self.motifs):
            made = self.motifs.set(made, u[len(self.unknowns) :])
        for k, own in enumerate(self.unknowns):
            if own.condition is None:
                made = _set(self._scalars[k], made, values[k])
        return made

    def _condition(self, name: str) -> Condition:
        for own in self.conditions:
            if own.name == name:
                return own
        raise ParameterError(
            f"there is no condition {name!r}: there are {', '.join(c.name for c in self.conditions)}"
        )


def _scalars(
    unknown: Unknown, conditions: Sequence[Condition], parameters: Parameters
) -> list[Scalar | np.ndarray]:
    """Where the value goes; a mask over populations for `persistence`."""
    own = _at(unknown, conditions, parameters)
    found: list[Scalar | np.ndarray] = []
    for name in unknown.names:
        if _is_persistence(name):
            _, _, index = name.partition("[")
            who = index.rstrip("] ").strip() or "*"
            if who != "*" and who not in parameters.populations:
                raise ParameterError(
                    f"{name!r}: there is no population {who!r}; there are {', '.join(parameters.populations)}"
                )
            found.append(np.array([who in ("*", p) for p in parameters.populations]))
            continue
        made = scalar(name, own)
        wrong = [part.name for part in made.parts if part.name in MOTIFS]
        if wrong:
            raise ParameterError(
                f"{name!r}: motif coefficients are bounded by each other; free them with motifs=FreeMotifs(({wrong[0]!r}, ...)), "
                "which keeps them feasible"
            )
        found.append(made)
    return found


def _refuse_overlaps(
    unknowns: Sequence[Unknown], scalars: Sequence[Sequence[Scalar | np.ndarray]]
) -> None:
    """Two unknowns must not set the same number; factors multiply what others set."""
    seen: dict[tuple[str, str | None], list[tuple[np.ndarray, str]]] = {}
    for own, places in zip(unknowns, scalars, strict=True):
        for place in places:
            if isinstance(place, Scalar) and place.is_factor:
                continue
            name, where = (
                (place.parts[0].name, place.parts[0].where)
                if isinstance(place, Scalar)
                else (PERSISTENCE, place)
            )
            for other, label in seen.setdefault((name, own.condition), []):
                if label != own.label and np.any(other & where):
                    raise ParameterError(
                        f"{label} and {own.label} would set the same number: leave one of them out"
                    )
            seen[name, own.condition].append((where, own.label))


def _at(unknown: Unknown, conditions: Sequence[Condition], parameters: Parameters) -> Parameters:
    if unknown.condition is None:
        return parameters
    for condition in conditions:
        if condition.name == unknown.condition:
            return condition.apply(parameters)
    raise ParameterError(
        f"{unknown.label}: there is no condition {unknown.condition!r}; there are {', '.join(c.name for c in conditions)}"
    )


def _value(
    unknown: Unknown,
    scalars: Sequence[Scalar | np.ndarray],
    conditions: Sequence[Condition],
    parameters: Parameters,
) -> float:
    """That of the parameters; of tied ones the first."""
    first = scalars[0]
    if isinstance(first, np.ndarray):
        return unknown.low + NEARLY * (unknown.high - unknown.low)
    values = [
        np.broadcast_to(
            np.asarray(part.read(_at(unknown, conditions, parameters))), part.where.shape
        )[part.where]
        for part in first.parts
    ]
    return 1.0 if first.is_factor else float(np.mean(np.concatenate(values)))


def _set(scalars: Sequence[Scalar | np.ndarray], parameters: Parameters, value: Any) -> Parameters:
    for own in scalars:
        parameters = own.set(parameters, value) if isinstance(own, Scalar) else parameters
    return parameters


def _has(parameters: Parameters, own: Scalar) -> bool:
    """Whether inputs have what a scalar names: a constant, or the weight of a signal."""
    for part in own.parts:
        family, _, name = part.name.partition(".")
        given = getattr(parameters, family)
        if not (
            name in given.weights
            if isinstance(given, Signals) and name
            else isinstance(given, Constant) and not name
        ):
            return False
    return True


def _read(own: Scalar, parameters: Parameters) -> Array:
    part = own.parts[0]
    return jnp.asarray(part.read(parameters))[tuple(np.argwhere(part.where)[0])]


def _priors(
    unknowns: Sequence[Unknown],
    given: Mapping[str, Prior],
    names: Sequence[str],
    parameters: Parameters,
) -> dict[str, Prior]:
    """By name; one of several entries, as mean[*,I], that is not the name of an unknown is that of each entry."""
    found = {own.label: own.prior for own in unknowns if own.prior is not None}
    for given_name, prior in given.items():
        for name in (given_name,) if given_name in names else _each(given_name, parameters):
            if name in found:
                raise ParameterError(f"{name} has two priors: give it one")
            found[name] = prior
    return found


def _each(name: str, parameters: Parameters) -> list[str]:
    """The names of the entries that a name stands for; equal partners once."""
    own = scalar(name, parameters)
    if own.is_factor:
        raise ParameterError(
            f"the prior of {name}: a factor that is not unknown is 1, so leave it out"
        )
    return entry_names(own.parts[0], parameters)


def _frame(unknown: Unknown, base: float) -> tuple[float, float]:
    """Centre and scale of one without bounds; of others not used."""
    if np.isfinite(unknown.low) or np.isfinite(unknown.high):
        return 0.0, 1.0
    if unknown.start is not None:
        return 0.5 * (unknown.start[0] + unknown.start[1]), 0.5 * (
            unknown.start[1] - unknown.start[0]
        )
    return base, abs(base) or 1.0


def _inward(unknown: Unknown, x: Any, centre: Any, scale: Any) -> Any:
    low, high = unknown.low, unknown.high
    if np.isfinite(low) and np.isfinite(high):
        return low + (high - low) / (1 + jnp.exp(-x))
    if np.isfinite(low):
        return low + jnp.exp(x)
    if np.isfinite(high):
        return high - jnp.exp(x)
    return centre + scale * x


def _outward(unknown: Unknown, value: float, centre: float, scale: float) -> float:
    low, high = unknown.low, unknown.high
    if not low < value < high:
        raise ParameterError(
            f"{unknown.label} = {value:g} is not between its bounds {low:g} and {high:g}: give the parameters a value inside, "
            "or other bounds"
        )
    if np.isfinite(low) and np.isfinite(high):
        return float(np.log((value - low) / (high - value)))
    if np.isfinite(low):
        return float(np.log(value - low))
    if np.isfinite(high):
        return float(np.log(high - value))
    return (value - centre) / scale


def _draw(
    unknown: Unknown,
    base: float,
    centre: float,
    scale: float,
    generator: np.random.Generator,
    n: int,
) -> np.ndarray:
    low, high = unknown.low, unknown.high
    if unknown.start is None and unknown.prior is not None:
        drawn = np.asarray(unknown.prior.sample(generator, 20 * n))
        values = drawn[(drawn > low) & (drawn < high)][:n]
        if len(values) < n:
            raise ParameterError(
                f"{unknown.label}: the prior is almost nowhere within the bounds {low:g} and {high:g}"
            )
        return np.array([_outward(unknown, float(v), centre, scale) for v in values])
    if unknown.start is not None:
        span = (
            (unknown.high - unknown.low)
            if np.isfinite(low) and np.isfinite(high)
            else unknown.start[1] - unknown.start[0]
        )
        inside = replace(unknown, start=None)
        ends = [
            _outward(
                inside, float(np.clip(v, low + 1e-6 * span, high - 1e-6 * span)), centre, scale
            )
            for v in unknown.start
        ]
        if np.isfinite(low) != np.isfinite(high) or not np.isfinite(low):
            return generator.uniform(min(ends), max(ends), n)
        drawn = np.clip(generator.uniform(*unknown.start, n), low + 1e-6 * span, high - 1e-6 * span)
        return np.array([_outward(inside, float(v), centre, scale) for v in drawn])
    if np.isfinite(low) and np.isfinite(high):
        return np.array(
            [
                _outward(unknown, float(v), centre, scale)
                for v in low + (high - low) * generator.uniform(0.05, 0.95, n)
            ]
        )
    middle = _outward(unknown, base, centre, scale)
    return middle + generator.uniform(-FAR, FAR, n)
