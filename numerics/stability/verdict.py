"""Stability of the network at a fixed point, not only of its mean-field equations: outliers and bulk of its spectrum, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from ...errors import ParameterError
from ..distributions import breaks, cloud
from ..fixed_points import FixedPoint, check_point, fixed_point
from ..linear import Filters
from ..parameters import Parameters
from ..precision import require_x64
from ..system import System, Units
from .bulk import Bulk
from .modes import Found, Modes, ordered, outliers, roots, winding

FREQUENCIES = 121
EMPTY = np.array([], dtype=complex)


@dataclass(frozen=True)
class Spectral:
    """A predicted spectrum, for N -> infinity.

    outliers: eigenvalues outside of the bulk, by descending real part; hidden: those inside of it, which no spectrum shows (B = 0 only);
    boundary: the bulk's, a closed curve, empty where units are filters; radius: sqrt of the largest eigenvalue of
    [alpha_q g_pq^2 A_pq <d_q^2>], the radius of the disc if B = 0; edge: the bulk's largest real part; counted: how many outliers the
    argument principle counts, None where it is not needed; status: "ok", or what is missing
    """

    outliers: np.ndarray
    hidden: np.ndarray
    boundary: np.ndarray
    radius: float
    edge: float
    counted: int | None
    status: str

    @property
    def leading(self) -> complex | None:
        """The outlier of largest real part, None without outliers."""
        return complex(self.outliers[0]) if len(self.outliers) else None

    def json(self) -> dict[str, Any]:
        """Plain data; complex numbers as [real, imaginary]."""

        def pairs(values: np.ndarray) -> list[list[float]]:
            return [[float(v.real), float(v.imag)] for v in values]

        return {
            "outliers": pairs(self.outliers),
            "hidden": pairs(self.hidden),
            "radius": self.radius,
            "edge": self.edge,
            "boundary": pairs(self.boundary),
            "counted": self.counted,
            "status": self.status,
        }


def connectivity_spectrum(parameters: Parameters) -> Spectral:
    """The spectrum of the synapses J_ij themselves: no transfer function, no fixed point."""
    modes = Modes.of_connectivity(parameters)
    boundary = modes.bulk.boundary()
    return _spectral(
        outliers(modes, boundary), boundary, modes.bulk.radius, float(boundary.real.max()), 0.0
    )


@dataclass(frozen=True)
class Stability:
    """Where the spectrum of a network at a fixed point lies; make one with `stability`.

    connectivity: the spectrum of J; jacobian: that of the linearised dynamics, rates of growth: for unit filters the eigenvalues of
    -1 + J diag(phi'(x)), else the s of all modes e^{st}; gain: by how much the residual amplifies at the critical frequency, below 1 if the
    bulk is stable; critical_frequency: where it amplifies most, angular, 0 for a static instability; exact: whether the prediction
    is exact for large N; basis: what it rests on
    """

    parameters: Parameters
    point: FixedPoint
    connectivity: Spectral
    jacobian: Spectral
    gain: float
    critical_frequency: float
    exact: bool
    basis: str

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the populations."""
        return self.parameters.populations

    @property
    def outlier_stable(self) -> bool:
        """Whether no outlier grows."""
        return self.jacobian.leading is None or self.jacobian.leading.real < 0

    @property
    def bulk_stable(self) -> bool:
        """Whether no mode of the bulk grows."""
        return self.gain < 1 and self.jacobian.edge < 0

    @property
    def stable(self) -> bool:
        """Whether both are."""
        return self.outlier_stable and self.bulk_stable

    @property
    def leading(self) -> complex:
        """The rate of growth that comes first: the leading outlier, or the edge of the bulk where that is further right."""
        own = self.jacobian.leading
        return complex(self.jacobian.edge) if own is None or own.real < self.jacobian.edge else own

    @property
    def margin(self) -> float:
        """The distance to instability, minus the largest rate of growth; negative when unstable."""
        return -self.leading.real

    @property
    def verdict(self) -> str:
        """ "stable", "outlier unstable", "bulk unstable" or "outlier and bulk unstable"."""
        parts = [
            name
            for name, good in (("outlier", self.outlier_stable), ("bulk", self.bulk_stable))
            if not good
        ]
        return f"{' and '.join(parts)} unstable" if parts else "stable"

    @property
    def meaning(self) -> str:
        """The verdict in words, for the network and for the equations that gave the point."""
        if self.stable:
            return "the network stays at this point: mean-field equations describe its state"
        moves = self.jacobian.leading
        if self.bulk_stable:
            assert moves is not None
            how = (
                f"oscillating with angular frequency {abs(moves.imag):.4g}"
                if moves.imag
                else "without oscillation"
            )
            return f"population means and variances leave this point, {how}, as the mean-field equations do"
        chaos = (
            "single neurons leave this point in random directions that no population mean shows: the network has no static state here, "
            "chaos is to be expected"
            + (
                f", first at the angular frequency {self.critical_frequency:.4g}"
                if self.critical_frequency
                else ""
            )
            + "; equations for static states (fixed points of every closure) do not describe it, dynamical mean-field theory does"
        )
        return chaos if self.outlier_stable else f"population means leave this point, and {chaos}"

    @property
    def status(self) -> str:
        """ "ok", or what of the spectra is missing."""
        wrong = [
            f"{name}: {s.status}"
            for name, s in (("connectivity", self.connectivity), ("jacobian", self.jacobian))
            if s.status != "ok"
        ]
        return "; ".join(wrong) or "ok"

    def rows(self) -> list[dict[str, Any]]:
        """Outliers and edges of the bulk of both spectra, for a table."""
        found = []
        for name, s in (("connectivity", self.connectivity), ("jacobian", self.jacobian)):
            kinds = (
                [("outlier", v) for v in s.outliers]
                + [("edge of the bulk", complex(s.edge))]
                + [("inside the bulk", v) for v in s.hidden]
            )
            for what, v in kinds:
                verdict = (
                    {"unstable": bool(v.real >= 0)}
                    if name == "jacobian" and what != "inside the bulk"
                    else {"unstable": None}
                )
                found.append(
                    {
                        "spectrum": name,
                        "what": what,
                        "real": float(v.real),
                        "imaginary": float(v.imag),
                        **verdict,
                    }
                )
        return found

    @property
    def dataset(self) -> xr.Dataset:
        """`outliers`, `hidden`, `boundary`, `edge` and `radius` of the connectivity and of the Jacobian, for files."""
        data: dict[str, Any] = {}
        for name, s in (("connectivity", self.connectivity), ("jacobian", self.jacobian)):
            data |= {
                f"{name}_{what}": (f"{name}_{what}_number", getattr(s, what))
                for what in ("outliers", "hidden", "boundary")
            }
            data |= {f"{name}_{what}": getattr(s, what) for what in ("edge", "radius")}
        names = ("verdict", "meaning", "basis", "status", "margin", "gain", "critical_frequency")
        return xr.Dataset(data, attrs={name: getattr(self, name) for name in names})

    def json(self) -> dict[str, Any]:
        """Verdict and both spectra as plain data."""
        return {
            "verdict": self.verdict,
            "stable": self.stable,
            "meaning": self.meaning,
            "exact": self.exact,
            "basis": self.basis,
            "status": self.status,
            "margin": self.margin,
            "leading": [self.leading.real, self.leading.imag],
            "gain": self.gain,
            "critical_frequency": self.critical_frequency,
            "populations": list(self.populations),
            "connectivity": self.connectivity.json(),
            "jacobian": self.jacobian.json(),
        }


def stability(
    system: System, parameters: Parameters, point: FixedPoint | None = None, *, time: float = 0.0
) -> Stability:
    """Outliers and bulk of the spectrum of the network linearised at a fixed point, and of its connectivity, for N -> infinity.

    The bulk is the residual's, outliers are modes of means and in-strengths (`numerics.bulk`, `numerics.outliers` give the equations). Both take
    the distribution of x in each population from the point: N(K, Delta), or the field's and x = h + Gamma phi(x) of the cavity closure. They
    are exact where that is: at `SecondMoment` points without reciprocal residual (B = 0), at `Cavity` points with it. An eigenvalue of
    the equations that falls inside of the bulk is not one of the network.

    point: of any closure of these parameters; the one reached from rest unless given. Inputs are held at their values at `time`.
    Raises `SolverError` for a point that is none, `ParameterError` with white noise (there is no fixed point to linearise at) and for
    transfer functions that jump.
    """
    require_x64()
    system.check(parameters)
    if np.any(np.asarray(parameters.noise) > 0):
        raise ParameterError(
            "with white noise x never rests, and there is no fixed point to linearise at: set noise to 0, or look at the "
            "equations' own eigenvalues, fixed_point(...).eigenvalues"
        )
    for p in range(parameters.P):
        breaks(system, parameters, p)
    if point is None:
        point = fixed_point(system, parameters, time=time, throw=True)
    else:
        check_point(system, parameters, point, time)
    units = Units.of(system.mean_field.architecture, parameters)
    bulk = Bulk.of(parameters, clouds(system, parameters, point))
    modes = _modes(bulk, units, parameters, time)
    exact, basis = _basis(system, bulk)
    if units.is_plain:
        boundary = bulk.boundary()
        edge = float(boundary.real.max())
        found = outliers(modes, boundary, list(point.eigenvalues + 1))
        gain, omega = (bulk.radius, 0.0) if not bulk.is_reciprocal else _worst(modes, units, 0.0)
        jacobian = _spectral(found, boundary, bulk.radius, edge, -1.0)
    else:
        jacobian, gain, omega = _filtered(modes, units, point)
    return Stability(
        parameters, point, connectivity_spectrum(parameters), jacobian, gain, omega, exact, basis
    )


def clouds(system: System, parameters: Parameters, point: FixedPoint) -> tuple:
    """How x is distributed in each population at the point."""
    values = point.dataset
    mean, variance = (
        values[f"field_{name}" if "feedback" in values else name].values
        for name in ("mean", "variance")
    )
    feedback = values["feedback"].values if "feedback" in values else np.zeros(parameters.P)
    return tuple(
        cloud(system, parameters, p, mean[p], variance[p], float(feedback[p]))
        for p in range(parameters.P)
    )


def _modes(bulk: Bulk, units: Units, parameters: Parameters, time: float) -> Modes:
    static = np.array([transmission(units, 0j, p) for p in range(parameters.P)]).real
    rates = np.array([c.average(c.rates) for c in bulk.clouds])
    along, spread = (
        np.broadcast_to(np.asarray(v(float(time))), (parameters.P,))
        for v in (parameters.in_strength, parameters.spread)
    )
    return Modes.at(bulk, parameters, rates, static[:, 0], static[:, 1], along, spread)


def _basis(system: System, bulk: Bulk) -> tuple[bool, str]:
    closure = system.mean_field.closure.name
    if closure == "cavity":
        return True, "the cavity solution, linearised in time: exact for large N"
    if bulk.is_reciprocal:
        return False, (
            f"exact around x ~ N(K, Delta), which the {closure} closure assumes and reciprocal residuals (B != 0) change: "
            "a point of the Cavity closure makes it exact"
        )
    if closure == "second-moment":
        return True, "second moments, B = 0: exact for large N"
    return (
        False,
        f"exact around x ~ N(K, Delta), whose Delta the {closure} closure approximates: a point of SecondMoment makes it exact",
    )


def _spectral(
    found: Found, boundary: np.ndarray, radius: float, edge: float, shift: float
) -> Spectral:
    return Spectral(
        found.values + shift,
        found.hidden + shift,
        boundary + shift,
        radius,
        edge + shift,
        found.counted,
        found.status,
    )


def transmission(units: Units, s: Any, p: int) -> np.ndarray:
    """M_p(s) and S_p(s), (..., 2)."""
    each = units.over(max(p + 1, len(units.membrane))) if len(units.membrane) == 1 else units
    return np.stack(
        [_at(each.membrane[p], s), _at(each.synapse[min(p, len(each.synapse) - 1)], s)], axis=-1
    )


def _at(f: Filters | None, s: Any) -> np.ndarray:
    """A filter in observer form at s: (T s)^m y = sum_k (T s)^(m - k) (b_k u - a_k y)."""
    s = np.asarray(s, dtype=complex)
    if f is None:
        return np.ones_like(s)
    w, above, below = s * float(f.T[0]), np.zeros_like(s), np.ones_like(s)
    for a, b in zip(np.asarray(f.a)[:, 0], np.asarray(f.b)[:, 0], strict=True):
        above, below = above * w + b, below * w + a
    return above / below


def _inverse(units: Units, s: np.ndarray, P: int) -> np.ndarray:
    """z_p(s), (..., P)."""
    with np.errstate(divide="ignore"):
        return np.stack(
            [1 / np.prod(transmission(units, s, p), axis=-1) for p in range(P)], axis=-1
        )


def _frequencies(units: Units, P: int) -> np.ndarray:
    slowest = max(
        float(f.T.max()) * len(f.a) for f in (*units.membrane, *units.synapse) if f is not None
    )
    return np.concatenate(
        [[0.0], np.geomspace(1e-3 / slowest, 1e3 / units.shortest, FREQUENCIES - 1)]
    )


def _worst(modes: Modes, units: Units, growth: float) -> tuple[float, float]:
    """sqrt of the largest level of the bulk on the line s = growth + i omega, and omega there."""
    omega = _frequencies(units, modes.P)
    best = (0.0, 0.0)
    for _ in range(3):
        level = modes.bulk.outside(_inverse(units, growth + 1j * omega, modes.P))[1]
        k = int(np.argmax(level))
        best = max(best, (float(np.sqrt(level[k])), float(omega[k])))
        if not np.isfinite(level[k]):
            break
        omega = np.linspace(omega[max(k - 1, 0)], omega[min(k + 1, len(omega) - 1)], 41)
    return best


def _edge(modes: Modes, units: Units) -> float:
    """The largest real part of the bulk: where its level on a vertical line is 1. Left of all poles of the filters there is none."""
    poles = np.concatenate(
        [
            np.roots([1.0, *(np.asarray(f.a)[:, 0])]) / float(f.T[0])
            for f in (*units.membrane, *units.synapse)
            if f is not None
        ]
    )
    low, high = float(poles.real.max()), 1.0

    def excess(growth: float) -> float:
        return float(np.clip(np.log(max(_worst(modes, units, growth)[0], 1e-300)), -50, 50))

    while excess(high) >= 0 and high < 1e6:
        low, high = high, 2 * high
    low += 1e-9 * (high - low)
    return (
        float(brentq(excess, low, high, xtol=1e-8 * max(1.0, abs(high)), rtol=1e-8))
        if excess(low) > 0
        else low
    )


def _filtered(modes: Modes, units: Units, point: FixedPoint) -> tuple[Spectral, float, float]:
    gain, omega = _worst(modes, units, 0.0)
    edge = _edge(modes, units)

    def function(s):
        return modes.determinant(_inverse(units, np.asarray(s, dtype=complex), modes.P))

    scale = 1 / units.shortest
    count = (
        winding(lambda u: function(1j * scale * np.tan(np.pi * (u - 0.5)))[0]) if gain < 1 else None
    )
    found = roots(
        function,
        list(point.eigenvalues),
        None,
        max(float(np.abs(point.eigenvalues).max(initial=0)), 1e-3 * scale),
    )
    unstable = int(np.sum(found.real > 0))
    status = (
        "ok"
        if count in (None, unstable)
        else f"incomplete: {count} outliers grow by the argument principle, {unstable} were found"
    )
    return (
        Spectral(ordered(found), EMPTY, EMPTY, modes.bulk.radius, edge, count, status),
        gain,
        omega,
    )
