"""Predicted spectra, and what they say about the stability of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...late import xr
from ...time_units import labelled
from ..fixed_points import FixedPoint
from ..parameters import Parameters
from ..results import OK, Result, Status, incomplete


@dataclass(frozen=True, repr=False, eq=False)
class Spectral(Result):
    """A predicted spectrum, for N -> infinity.

    Args:
        outliers: eigenvalues outside of the bulk, by descending real part.
        hidden: those inside of it, which no spectrum shows (known for B = 0 only).
        boundary: the bulk's, a closed curve; empty where units are filters.
        radius: sqrt of the largest eigenvalue of [alpha_q g_pq^2 A_pq <d_q^2>], the radius of the
            disc if B = 0.
        edge: the bulk's largest real part.
        counted: how many outliers the argument principle counts, None where it is not needed.
        status: "ok", or what is missing.
    """

    outliers: np.ndarray
    hidden: np.ndarray
    boundary: np.ndarray
    radius: float
    edge: float
    counted: int | None
    status: Status = OK
    title: str = "Predicted spectrum"

    @property
    def leading(self) -> complex | None:
        """The outlier of largest real part, None without outliers."""
        return complex(self.outliers[0]) if len(self.outliers) else None

    @property
    def dataset(self) -> xr.Dataset:
        """`outliers`, `hidden` and `boundary`, each over its own number; `edge` and `radius`."""
        data: dict[str, Any] = {
            what: (f"{what}_number", getattr(self, what))
            for what in ("outliers", "hidden", "boundary")
        }
        return xr.Dataset(data | {"edge": self.edge, "radius": self.radius})

    def rows(self) -> list[dict[str, Any]]:
        """Outliers, the edge of the bulk, and what is inside of it."""
        kinds = [("outlier", v) for v in self.outliers]
        kinds += [("edge of the bulk", complex(self.edge))]
        kinds += [("inside the bulk", v) for v in self.hidden]
        return [{"what": w, "real": float(v.real), "imaginary": float(v.imag)} for w, v in kinds]

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
            **self.status.json(),
        }


@dataclass(frozen=True, repr=False, eq=False)
class Stability(Result):
    """Where the spectrum of a network at a fixed point lies; make one with `stability`.

    Args:
        parameters: the network's numbers.
        point: the fixed point.
        connectivity: the spectrum of J.
        jacobian: that of the linearised dynamics, rates of growth: for unit filters the eigenvalues
            of -1 + J diag(phi'(x)), else the s of all modes e^{st}.
        gain: by how much the residual amplifies at the critical frequency, below 1 if the bulk is
            stable.
        critical_frequency: where it amplifies most, angular, 0 for a static instability.
        exact: whether the prediction is exact for large N.
        basis: what it rests on.
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
    def title(self) -> str:
        """The verdict."""
        return f"Stability of the network at a fixed point: {self.verdict}"

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
        """The largest rate of growth: the leading outlier, or the edge of the bulk."""
        own = self.jacobian.leading
        return complex(self.jacobian.edge) if own is None or own.real < self.jacobian.edge else own

    @property
    def margin(self) -> float:
        """The distance to instability, minus the largest rate of growth; negative when unstable."""
        return -self.leading.real

    @property
    def verdict(self) -> str:
        """ "stable", "outlier unstable", "bulk unstable" or "outlier and bulk unstable"."""
        kinds = (("outlier", self.outlier_stable), ("bulk", self.bulk_stable))
        parts = [name for name, good in kinds if not good]
        return f"{' and '.join(parts)} unstable" if parts else "stable"

    @property
    def meaning(self) -> str:
        """The verdict in words, for the network and for the equations that gave the point."""
        if self.stable:
            return "the network stays at this point: mean-field equations describe its state"
        moves = self.jacobian.leading
        if self.bulk_stable:
            assert moves is not None
            how = "without oscillation"
            if moves.imag:
                how = f"oscillating with angular frequency {abs(moves.imag):.4g}"
            return (
                f"population means and variances leave this point, {how}, as the mean-field "
                "equations do"
            )
        first = ""
        if self.critical_frequency:
            first = f", first at the angular frequency {self.critical_frequency:.4g}"
        chaos = (
            "single neurons leave this point in random directions that no population mean shows: "
            f"the network has no static state here, chaos is to be expected{first}; equations for "
            "static states (fixed points of every closure) do not describe it, dynamical "
            "mean-field theory does"
        )
        return chaos if self.outlier_stable else f"population means leave this point, and {chaos}"

    @property
    def status(self) -> Status:
        """ "ok", or what of the spectra is missing."""
        wrong = [f"{n}: {s.status}" for n, s in self._both if not s.status.ok]
        return incomplete(wrong)

    @property
    def _both(self) -> tuple[tuple[str, Spectral], ...]:
        return ("connectivity", self.connectivity), ("jacobian", self.jacobian)

    def summary(self) -> list[str]:
        """Leading eigenvalues, the edge of the bulk, and what they mean."""
        j = self.jacobian
        lead = "none" if j.leading is None else f"{j.leading:.5g}"
        first = labelled("leading outlier", self.time_unit, -1)
        return [
            f"{first} {lead}, edge of the bulk {j.edge:.5g}, its gain {self.gain:.5g}",
            f"{self.meaning}.",
            f"Prediction: {self.basis}.",
        ]

    def rows(self) -> list[dict[str, Any]]:
        """Outliers and edges of the bulk of both spectra; the Jacobian's have a unit, if named."""
        found = []
        for name, s in self._both:
            for row in s.rows():
                decides = name == "jacobian" and row["what"] != "inside the bulk"
                unstable = row["real"] >= 0 if decides else None
                own = {"spectrum": name, **row, "unstable": unstable}
                unit = labelled("", self.time_unit, -1).strip(" ()")
                found.append(own | ({"unit": unit * (name == "jacobian")} if unit else {}))
        return found

    @property
    def dataset(self) -> xr.Dataset:
        """`outliers`, `hidden`, `boundary`, `edge` and `radius` of connectivity and Jacobian."""
        data: dict[str, Any] = {}
        for name, s in self._both:
            for what, v in s.dataset.variables.items():
                data[f"{name}_{what}"] = ([f"{name}_{dim}" for dim in v.dims], v.values)
        names = ("verdict", "meaning", "basis", "margin", "gain", "critical_frequency")
        attrs = self.picked(*names) | {"status": str(self.status)}
        return xr.Dataset(data, attrs=attrs)

    def json(self) -> dict[str, Any]:
        """Verdict and both spectra as plain data."""
        return {
            **self.picked("verdict", "stable", "meaning", "exact", "basis"),
            **self.status.json(),
            "margin": self.margin,
            "leading": [self.leading.real, self.leading.imag],
            "gain": self.gain,
            "critical_frequency": self.critical_frequency,
            "populations": list(self.populations),
            "connectivity": self.connectivity.json(),
            "jacobian": self.jacobian.json(),
        }
