"""How a fixed point answers: to every parameter, to a small drive, to a drive that oscillates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr
from jaxtyping import Array

from ...errors import ParameterError, SolverError
from ...time_units import measured
from ..parameters import TENSORS, Parameters, Scalar, names, scalar
from ..precision import require_x64
from ..results import OK, Code, Result, Status
from ..system import Autonomous, System, held
from ..tangents import refuse_tracers
from .point import FixedPoint
from .solve import check_point, fixed_point, solved_near

OBSERVABLES = ("mean", "variance", "rate")
UNITS = {
    "mean": "mean input current K_p",
    "variance": "variance of the input current Delta_p",
    "rate": "mean rate R_p",
}
SINGULAR = 1e12  # condition of a Jacobian at which responses have lost all but four digits


@eqx.filter_jit
def _derivatives(model: Autonomous, y: Array, parameters: Any):
    """Derivatives of the observables with respect to every array of the parameters.

    And dF/dy, dF/dI, d(observable)/dy, d(observable)/dI for the linear system.
    """

    def observed(own):
        return model.observables(solved_near(model, own, y), own)

    def driven(value):
        return eqx.tree_at(lambda p: p.input.value, parameters, value)

    drive = parameters.input.value
    return (
        jax.jacrev(observed)(parameters),
        model.jacobian(y, parameters),
        jax.jacfwd(lambda value: model.field(y, driven(value)))(drive),
        jax.jacfwd(lambda state: model.observables(state, parameters))(y),
        jax.jacfwd(lambda value: model.observables(y, driven(value)))(drive),
    )


@dataclass(frozen=True, repr=False, eq=False)
class Response(Result):
    """Derivatives of a fixed point; make one with `response`.

    The linear system is dy/dt = jacobian y + inward I, observable = outward y + direct I.

    Args:
        system: the equations.
        point: the fixed point.
        parameters: its parameters, with inputs held and defaults written out.
        gradient: for `mean`, `variance` and `rate`, (P,), a `Parameters` of derivatives, each array
            with the observable's population in front.
        jacobian: d(dy/dt)/dy, (n, n).
        inward: d(dy/dt)/dI, (n, P).
        outward: d(observable)/dy by observable, (P, n).
        direct: d(observable)/dI at a fixed y, (P, P): 0 unless a membrane is 1.
    """

    system: System
    point: FixedPoint
    parameters: Parameters
    gradient: dict[str, Any]
    jacobian: np.ndarray
    inward: np.ndarray
    outward: dict[str, np.ndarray]
    direct: dict[str, np.ndarray]

    title = "Steady response of the rates to a drive of each population"

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the populations."""
        return self.parameters.populations

    @property
    def status(self) -> Status:
        """ "ok", or why the derivatives say nothing about the network's activity."""
        if self.point.stable is not False:
            return OK
        text = "the fixed point is unstable: the network does not stay there to respond"
        return Status(text, Code.UNDECIDED)

    @cached_property
    def dataset(self) -> xr.Dataset:
        """d(observable_p)/dI_q, the steady response to a small drive: (population, driven)."""
        data = {
            name: (
                ("population", "driven"),
                np.asarray(own.input.value),
                {"meaning": f"d({UNITS[name]})/d(input)"},
            )
            for name, own in self.gradient.items()
        }
        return xr.Dataset(
            data,
            coords={"population": list(self.populations), "driven": list(self.populations)},
            attrs={"status": str(self.status)},
        )

    @property
    def inhibitory(self) -> tuple[str, ...]:
        """Populations whose mean synapses are negative onto every target, and not all zero."""
        mean = np.asarray(self.parameters.mean)
        return tuple(
            name
            for q, name in enumerate(self.populations)
            if np.all(mean[:, q] <= 0) and np.any(mean[:, q] < 0)
        )

    @property
    def paradoxical(self) -> tuple[str, ...]:
        """Populations whose rate falls when they are driven more, dR_p/dI_p < 0.

        Of inhibitory ones this is the paradoxical effect of inhibition-stabilised networks
        (Tsodyks, Skaggs, Sejnowski and McNaughton, J Neurosci 1997).
        """
        rates = np.diag(self.dataset["rate"].values)
        return tuple(name for name, slope in zip(self.populations, rates, strict=True) if slope < 0)

    def derivative(self, name: str | Scalar) -> dict[str, np.ndarray]:
        """d(observable)/d(parameter), (P,) for `mean`, `variance` and `rate`.

        Args:
            name: of the parameter, as "tau_chn[E,E,I]" or "factor(mean)", or a `scalar`.

        Raises:
            ParameterError: there is no such parameter.
        """
        own = scalar(name, self.parameters)
        if any(part.name == "fractions" for part in own.parts):
            # the others change with one fraction: differentiate along the way that `set` goes
            moved = jax.jvp(
                lambda v: own.set(self.parameters, v).fractions, (own.get(self.parameters),), (1.0,)
            )[1]
            return {
                what: np.asarray(g.fractions) @ np.asarray(moved)
                for what, g in self.gradient.items()
            }
        found = {}
        for what, gradient in self.gradient.items():
            total = np.zeros(len(self.populations))
            for part in own.parts:
                slope = np.asarray(part.read(gradient)).reshape(
                    len(self.populations), *part.where.shape
                )
                weight = (
                    np.broadcast_to(np.asarray(part.read(self.parameters)), part.where.shape)
                    if own.is_factor
                    else 1.0
                )
                total = total + np.sum(
                    slope * weight * part.where, axis=tuple(range(1, slope.ndim))
                )
            found[what] = total
        return found

    def sensitivity(self, which: Sequence[str] | None = None) -> xr.Dataset:
        """d(observable)/d(parameter) over (parameter, population).

        `value` is the parameter's, and `without` the first-order change of the rate when it is set
        to zero, -value * dR/d(value).

        Args:
            which: names of parameters; by default all that the equations depend on.
        """
        depends = self._depends()
        chosen = (
            [n for n in names(self.parameters) if n.split("[")[0] in depends]
            if which is None
            else list(which)
        )
        scalars = [scalar(n, self.parameters) for n in chosen]
        rows = [self.derivative(own) for own in scalars]
        dims = ("parameter", "population")
        data: dict[str, Any] = {
            what: (
                dims,
                np.stack([row[what] for row in rows]),
                {"meaning": f"d({UNITS[what]})/d(parameter)"},
            )
            for what in OBSERVABLES
        }
        values = np.array([own.get(self.parameters) for own in scalars])
        data["value"] = ("parameter", values)
        data["without"] = (
            dims,
            -values[:, None] * data["rate"][1],
            {"meaning": "first-order change of the rate without this parameter"},
        )
        return xr.Dataset(
            data,
            coords={"parameter": chosen, "population": list(self.populations)},
            attrs={"status": str(self.status)},
        )

    def motifs(self) -> xr.Dataset:
        """What each class of motif does: d(observable)/d(factor) over (motif, population).

        The factor is common to the whole class.
        """
        rows = [self.derivative(f"factor({name})") for name in TENSORS.values()]
        data = {
            what: (("motif", "population"), np.stack([row[what] for row in rows]))
            for what in OBSERVABLES
        }
        return xr.Dataset(
            data,
            coords={"motif": list(TENSORS), "population": list(self.populations)},
            attrs={"status": str(self.status)},
        )

    def frequency(self, omega: Any) -> xr.Dataset:
        """The linearised system's answer to a drive I_q e^{i omega t}, complex.

            outward (i omega - jacobian)^-1 inward + direct

        Args:
            omega: angular frequencies per unit of time, one or a list.

        Returns:
            `mean`, `variance` and `rate` per input over (omega, population, driven).

        Raises:
            ParameterError: a frequency that is not finite.
            ArchitectureError: a closure of fixed points alone.
        """
        self.system.refuse_static("frequency response")
        w = np.atleast_1d(np.asarray(omega, dtype=float))
        if w.ndim != 1 or not np.all(np.isfinite(w)):
            raise ParameterError(
                f"omega must be finite angular frequencies, one or a list of them: {omega!r}"
            )
        resolvent = np.linalg.solve(
            1j * w[:, None, None] * np.eye(len(self.jacobian)) - self.jacobian, self.inward
        )
        dims = ("omega", "population", "driven")
        data = {
            what: (
                dims,
                self.outward[what] @ resolvent + self.direct[what],
                {"meaning": f"{UNITS[what]} per input"},
            )
            for what in OBSERVABLES
        }
        names = list(self.populations)
        made = xr.Dataset(
            data,
            coords={"omega": w, "population": names, "driven": names},
            attrs={"status": str(self.status)},
        )
        return measured(made, self.time_unit)

    def rows(self) -> list[dict[str, Any]]:
        """The response matrix of the rates, a row per population."""
        matrix = self.dataset["rate"].values
        return [
            {
                "population": name,
                **{
                    f"drive {other}": float(matrix[p, q])
                    for q, other in enumerate(self.populations)
                },
            }
            for p, name in enumerate(self.populations)
        ]

    def json(self, which: Sequence[str] | None = None) -> dict[str, Any]:
        """Plain data: response matrices, paradoxical populations, derivatives by name.

        Args:
            which: names of the parameters; by default all that the equations depend on.
        """
        table = self.sensitivity(which)
        return {
            **self.status.json(),
            "populations": list(self.populations),
            "matrix": {what: self.dataset[what].values.tolist() for what in OBSERVABLES},
            "inhibitory": list(self.inhibitory),
            "paradoxical": list(self.paradoxical),
            "sensitivity": {
                name: {
                    what: table[what].sel(parameter=name).values.tolist() for what in OBSERVABLES
                }
                for name in table["parameter"].values.tolist()
            },
        }

    def _depends(self) -> set[str]:
        mean_field = self.system.mean_field
        alias = {"drive": "input"}
        own = {alias.get(name, name) for name in mean_field.parameters}
        return own | {name.split("[")[0] for name in names(self.parameters) if "." in name}


def response(
    system: System, parameters: Parameters, point: FixedPoint | None = None, *, time: float = 0.0
) -> Response:
    """How a fixed point changes with every parameter, and how it follows a small drive.

    With F(y, theta) = 0 at the point, dy/dtheta = -(dF/dy)^-1 dF/dtheta: implicit differentiation,
    exact.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        point: a fixed point of these; by default the one reached from rest.
        time: when the inputs are held.

    Returns:
        Response matrices, derivatives by parameter, the answer to oscillating drives.

    Raises:
        SolverError: the point is no fixed point, or is degenerate (a fold, where the response is
            infinite).
        ParameterError: a call under jit, vmap or grad.
    """
    refuse_tracers((parameters, time), "response", "motifield.pure.fixed_point")
    require_x64()
    system.check(parameters)
    own = held(system.complete(parameters), time)
    if point is None:
        point = fixed_point(system, own)
    else:
        check_point(system, own, point)
    model = Autonomous(system, own.P)
    y = model.flat(point.state)
    gradient, jacobian, inward, outward, direct = _derivatives(model, y, own)
    if not np.linalg.cond(np.asarray(jacobian)) < SINGULAR:
        raise SolverError(
            "the Jacobian is singular at the point (a fold or branch point): responses are "
            "infinite there"
        )
    return Response(
        system,
        point,
        own,
        dict(gradient),
        np.asarray(jacobian),
        np.asarray(inward),
        {name: np.asarray(value) for name, value in outward.items()},
        {name: np.asarray(value) for name, value in direct.items()},
    )
