"""Coordinates of a fit: unknowns and free motifs as a vector of numbers without bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..parameters import INPUTS, Parameters, Scalar, scalar
from .conditions import Condition, condition_named
from .frames import Frame
from .motif_coordinates import FreeMotifs, MotifCoordinates
from .places import (
    given_value,
    in_inputs,
    placed,
    places_of,
    priors_by_name,
    read,
    refuse_overlaps,
)
from .scales import Scale
from .unknowns import PERSISTENCE, Prior, Unknown


class Coordinates:
    """Unknowns of given parameters as a vector u without bounds; make it with `Coordinates.of`.

    A value v is u itself, in units of that of the parameters, where it has no bounds;
    log|v - bound| with one; logit of its place between two.

    Attributes:
        names: of the natural values, one for each unknown and each motif coefficient that moves.
        labels: of the coordinates.
        priors: by name.
    """

    def __init__(
        self,
        parameters: Parameters,
        conditions: Sequence[Condition],
        unknowns: Sequence[Unknown],
        motifs: MotifCoordinates,
        priors: Mapping[str, Prior],
    ):
        self.parameters, self.motifs = parameters, motifs
        self.conditions, self.unknowns = tuple(conditions), tuple(unknowns)
        self._places = [places_of(own, self.conditions, parameters) for own in unknowns]
        refuse_overlaps(unknowns, self._places)
        self._frames = [
            Frame.of(own, given_value(own, places, self.conditions, parameters))
            for own, places in zip(unknowns, self._places, strict=True)
        ]
        self._entries = [scalar(name, parameters) for name in motifs.entries]
        self.names = (*(u.label for u in unknowns), *motifs.entries)
        self.labels = (*(u.label for u in unknowns), *motifs.labels)
        self.priors = priors_by_name(unknowns, priors, self.names, parameters)
        arrays = self.arrays
        # weights of signals are shared by the inputs of all conditions that have them
        self._shared = [
            k
            for k, own in enumerate(self.unknowns)
            if own.condition is None and not arrays[own.label].isdisjoint(INPUTS)
        ]

    @classmethod
    def of(
        cls,
        parameters: Parameters,
        conditions: Mapping[str, Mapping[str, object]],
        unknowns: Sequence[Unknown | str],
        motifs: FreeMotifs | None = None,
        priors: Mapping[str, Prior] = {},
    ) -> Coordinates:
        """Coordinates of a fit; arguments are those of `fit`.

        Raises:
            ParameterError: names that are not there, twice the same, or nothing to fit.
        """
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
    def moves_strengths(self) -> bool:
        """Whether some unknown is a number of strengths or assortativity."""
        return any(not own.isdisjoint(("gamma", "weight")) for own in self.arrays.values())

    @property
    def arrays(self) -> dict[str, set[str]]:
        """Arrays of the parameters that each unknown changes, by its label; or `persistence`."""
        return {
            own.label: {
                name
                for place in places
                for name in (
                    [part.name.partition(".")[0] for part in place.parts]
                    if isinstance(place, Scalar)
                    else [PERSISTENCE]
                )
            }
            for own, places in zip(self.unknowns, self._places, strict=True)
        }

    def scale(self, name: str) -> Scale:
        """The scale of a number of the fit, on which it has no bounds.

        Shares of motifs are between 0 and 1, other motifs between -1 and 1.
        """
        k = self.names.index(name)
        if k < len(self.unknowns):
            return self.unknowns[k].scale
        family, _, index = name.rstrip("]").partition("[")
        parts = index.split(",")
        is_share = family in ("tau_con", "tau_div") and parts[1] == parts[2]
        return Scale(0.0 if is_share else -1.0, 1.0)

    def scalar_values(self, u: Float[Array, " n"]) -> Array:
        """Values of the unknowns that are no motifs, (k,); pure."""
        if not self.unknowns:
            return u[:0]
        return jnp.stack([frame.value(u[k]) for k, frame in enumerate(self._frames)])

    def values(self, u: Float[Array, " n"]) -> Array:
        """The natural values by `names`; pure."""
        common = self.common(u)
        return jnp.concatenate(
            [self.scalar_values(u), *(read(own, common)[None] for own in self._entries)]
        )

    def common(self, u: Float[Array, " n"]) -> Parameters:
        """The parameters that all conditions share; pure."""
        made, values = self.parameters, self.scalar_values(u)
        if len(self.motifs):
            made = self.motifs.set(made, u[len(self.unknowns) :])
        return self._set(made, values, None)

    def of_condition(
        self, u: Float[Array, " n"], name: str, common: Parameters | None = None
    ) -> Parameters:
        """The parameters in a condition; pure.

        Args:
            u: coordinates.
            name: of the condition.
            common: parameters that all conditions share, where they are known already.

        Raises:
            ParameterError: there is no such condition.
        """
        condition = condition_named(name, self.conditions)
        made, values = self.common(u) if common is None else common, self.scalar_values(u)
        if condition.replacements:
            made = made.replace(**condition.replacements)
            for k in self._shared:
                made = placed(in_inputs(self._places[k], made), made, values[k])
        return self._set(condition.settle(made), values, name)

    def _set(self, parameters: Parameters, values: Array, condition: str | None) -> Parameters:
        """With the unknowns of a condition, or of all."""
        for k, own in enumerate(self.unknowns):
            if own.condition == condition:
                parameters = placed(self._places[k], parameters, values[k])
        return parameters

    def persistence(self, u: Float[Array, " n"]) -> Array:
        """Correlation between conditions of the static offsets, (P,); pure."""
        found, values = jnp.ones(self.parameters.P), self.scalar_values(u)
        for k, places in enumerate(self._places):
            for where in places:
                if isinstance(where, np.ndarray):
                    found = jnp.where(where, values[k], found)
        return found

    def prior_residuals(self, u: Float[Array, " n"]) -> Array:
        """Standardised differences to the priors, in the order of `priors`; pure."""
        if not self.priors:
            return jnp.zeros(0)
        values, common = self.values(u), self.common(u)
        place = {name: k for k, name in enumerate(self.names)}

        def value(name: str) -> Array:
            known = name in place
            return values[place[name]] if known else read(scalar(name, self.parameters), common)

        return jnp.stack([prior.residual(value(name)) for name, prior in self.priors.items()])

    def given(self) -> np.ndarray:
        """The coordinates of the parameters as they are.

        Raises:
            ParameterError: a value is not between its bounds.
        """
        u = [frame.coordinate(frame.given) for frame in self._frames]
        return np.concatenate([u, self.motifs.coordinates(self.parameters)])

    def random(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Random starts, (n, size).

        Each unknown comes from its `start`, else its prior, else its bounds, else near the value
        that the parameters have.
        """
        columns = [frame.random(generator, n) for frame in self._frames]
        motifs = self.motifs.random(generator, n, float(self.parameters.N))
        return np.concatenate([np.stack(columns, axis=1), motifs], axis=1) if columns else motifs
