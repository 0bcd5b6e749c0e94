"""How a network is integrated, and what of it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...errors import NetworkError, ParameterError
from ..networks import Network

INTERVALS = 200  # between the times that are recorded unless they are given: a smooth curve
NOISE_STEPS = 40  # per shortest time constant: errors of dt^2 / 4 tau^2 in a variance are 1.6e-4


@dataclass(frozen=True)
class SimulationOptions:
    """Options of `simulate`, which takes them as keyword arguments.

    Args:
        saveat: times at which to record, increasing, from the start to t1; 201 times unless given.
        dt_save: or the spacing of these times.
        record: "moments" of every population; also x(t) of "all" neurons, or of the neurons with
            these indices.
        rtol: relative tolerance of the adaptive steps, for networks without noise.
        atol: their absolute tolerance.
        dt: longest step with noise; 1/40 of the filters' shortest time constant unless given.
        dtype: float64 or float32 for J and its product with the rates, by default that of the
            weights; x is float64.
        max_steps: after which the simulation stops.
        progress: called as progress("simulating", part) now and then.

    Raises:
        ParameterError: tolerances, steps or times that cannot be used.
    """

    saveat: Sequence[float] | np.ndarray | None = None
    dt_save: float | None = None
    record: str | Sequence[int] | np.ndarray = "moments"
    rtol: float = 1e-5
    atol: float = 1e-7
    dt: float | None = None
    dtype: Any = None
    max_steps: int = 100_000
    progress: Callable[[str, float], None] | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.rtol < 1 and self.atol >= 0 and self.rtol + self.atol > 0):
            raise ParameterError(
                f"tolerances must be non-negative, not both 0, and rtol < 1: rtol = {self.rtol}, "
                f"atol = {self.atol}"
            )
        if self.dt is not None and not 0 < self.dt < np.inf:
            raise ParameterError(f"dt = {self.dt} must be a positive time")
        if self.dt_save is not None and self.saveat is not None:
            raise ParameterError("saveat and dt_save both say when to record: give one of them")

    @classmethod
    def of(cls, verb: str, given: dict[str, Any], known: Sequence[str] = ()) -> SimulationOptions:
        """From the keyword arguments of a verb; a `TypeError` names those that nothing takes."""
        own = [field.name for field in fields(cls)]
        if unknown := [name for name in given if name not in own]:
            names = ", ".join([*known, *own])
            raise TypeError(f"{verb}() has no argument {unknown[0]!r}; its options are {names}")
        return cls(**given)

    def times(self, t0: float, t1: float) -> np.ndarray:
        """The times to record."""
        if not (np.isfinite(t1) and t1 > t0):
            after = f"time after {t0:g}, where the simulation begins" if t0 else "positive time"
            raise ParameterError(f"t1 = {t1} must be a {after}")
        if self.saveat is None and self.dt_save is None:
            return np.linspace(t0, float(t1), INTERVALS + 1)
        if self.saveat is None:
            return self._spaced(t0, t1)
        times = np.asarray(self.saveat, dtype=float)
        increasing = times.ndim == 1 and len(times) and np.all(np.diff(times) > 0)
        if not (increasing and times[0] >= t0 and times[-1] <= t1):
            raise ParameterError(
                f"saveat must be increasing times from {t0:g} to t1 = {t1}: {self.saveat}"
            )
        return times

    def _spaced(self, t0: float, t1: float) -> np.ndarray:
        step, less = float(self.dt_save or 0), f", less {t0:g}" if t0 else ""
        if not 0 < step <= t1 - t0:
            raise ParameterError(f"dt_save = {step} must be positive and at most t1 = {t1}{less}")
        count = np.floor((t1 - t0) / step * (1 + 1e-12)) + 1  # rounding must not lose the last one
        return np.minimum(t0 + np.arange(count) * step, t1)

    def recorded(self, N: int) -> np.ndarray | None:
        """Indices of the neurons to record; None for moments alone."""
        if isinstance(self.record, str):
            if self.record not in ("moments", "all"):
                raise ParameterError(
                    f"record = {self.record!r} is unknown: use 'moments', 'all' or a list of "
                    "neurons"
                )
            return None if self.record == "moments" else np.arange(N)
        indices = np.asarray(self.record)
        integers = indices.ndim == 1 and len(indices) and indices.dtype.kind in "iu"
        if not (integers and indices.min() >= 0 and indices.max() < N):
            raise ParameterError(
                f"record = {self.record!r} must be 'moments', 'all' or indices of neurons from 0 "
                f"to {N - 1}"
            )
        return indices

    def precision(self, network: Network) -> np.dtype:
        """Of the synapses."""
        chosen = np.dtype(network.weights.dtype if self.dtype is None else self.dtype)
        if chosen not in (np.float32, np.float64):
            raise NetworkError(f"dtype {chosen} cannot hold synapses: use float64 or float32")
        return chosen

    def grid(
        self, times: np.ndarray, edges: np.ndarray, t0: float, t1: float, shortest: float
    ) -> np.ndarray:
        """Steps from t0 to t1 of networks with noise, `shortest` their shortest time constant.

        Steps end at all recorded times, and just before and at each jump of an input.
        """
        dt = self.dt or shortest / NOISE_STEPS
        stops = np.unique([t0, *times, *np.nextafter(edges, 0.0), *edges, t1])
        # a step that is dt but for rounding stays one step
        counts = np.ceil(np.diff(stops) / dt * (1 - 1e-9)).astype(int).clip(1)
        if counts.sum() > self.max_steps:
            raise ParameterError(
                f"noise needs {counts.sum()} steps of at most dt = {dt:.3g} until t1 = {t1:.6g}, "
                f"max_steps = {self.max_steps}: allow more steps, or a longer dt"
            )
        parts = [
            np.linspace(a, b, n, endpoint=False)
            for a, b, n in zip(stops[:-1], stops[1:], counts, strict=True)
        ]
        return np.append(np.concatenate(parts), t1)
