"""Numbering of the free coordinates of motifs, and the coefficients that they move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import ParameterError
from ..parameters import MOTIFS, Parameters, entries_of
from .motif_shares import SMALLEST_SHARE, coordinate_values, fixed_values

RANKS = {"convergent": 2, "divergent": 2, "across": 3, "chains": 3, "pairs": 2}


class Numbering:
    """The coordinates that names of motif coefficients make free.

    Attributes:
        labels: of the coordinates, in order.
        entries: the coefficients that move, by name; some may be there twice.
        numbers: of the coordinate at each entry, -1 where it is fixed; see `MotifCoordinates`.

    Raises:
        ParameterError: a name is no motif coefficient, or chains can only be 0.
    """

    def __init__(self, free: Sequence[str], tied: Sequence[str], parameters: Parameters):
        self.parameters, self.P = parameters, parameters.P
        self.labels: list[str] = []
        self.entries: list[str] = []
        self.numbers = {name: np.full((self.P,) * rank, -1) for name, rank in RANKS.items()}
        self.there = np.asarray(parameters.g) > 0
        for are_tied, names in ((True, tied), (False, free)):
            for name in names:
                family, where = entries_of(name, parameters)
                if family not in MOTIFS:
                    raise ParameterError(
                        f"{name!r} is no motif coefficient: free motifs are named "
                        f"{', '.join(MOTIFS)}, with indices where not all are"
                    )
                getattr(self, f"_{family}")(where, name if are_tied else None)
        self._check_bounds()
        self._check_shared_sources()

    def _number(self, kind: str, index: tuple[int, ...], entry: str, tied: str | None) -> None:
        if self.numbers[kind][index] >= 0:
            return
        label = tied if tied is not None else f"{kind} of {entry}"
        if label not in self.labels:
            self.labels.append(label)
        self.numbers[kind][index] = self.labels.index(label)
        self.entries.append(entry)

    def _name(self, family: str, *index: int) -> str:
        return f"{family}[{','.join(self.parameters.populations[k] for k in index)}]"

    def _tau_con(self, where: np.ndarray, tied: str | None) -> None:
        for q, r, s in np.argwhere(where):
            if r == s and self.there[q, r]:
                self._number("convergent", (q, r), self._name("tau_con", q, r, r), tied)
            elif r > s and self.there[q, r] and self.there[q, s] and tied is None:
                self._number("across", (q, r, s), self._name("tau_con", q, s, r), tied)

    def _tau_div(self, where: np.ndarray, tied: str | None) -> None:
        for q, p, o in np.argwhere(where):
            if p == o and self.there[p, q]:
                self._number("divergent", (p, q), self._name("tau_div", q, p, p), tied)

    def _tau_chn(self, where: np.ndarray, tied: str | None) -> None:
        for p, q, r in np.argwhere(where):
            if self.there[p, q] and self.there[q, r]:
                self._number("chains", (p, q, r), self._name("tau_chn", p, q, r), tied)

    def _tau_rec(self, where: np.ndarray, tied: str | None) -> None:
        for p, q in np.argwhere(where):
            if p <= q and self.there[p, q] and self.there[q, p]:
                for index in ((p, q), (q, p)):
                    self._number("pairs", index, self._name("tau_rec", p, q), tied)

    def _check_bounds(self) -> None:
        """Chains need convergence and divergence; those onto one population share a bound."""
        numbers, small = self.numbers, np.log(2 * SMALLEST_SHARE)
        values = coordinate_values(self.parameters)
        for p, q, r in np.argwhere(numbers["chains"] >= 0):
            for kind, index, what in (
                ("convergent", (q, r), self._name("tau_con", q, r, r)),
                ("divergent", (p, q), self._name("tau_div", q, p, p)),
            ):
                if numbers[kind][index] < 0 and values[kind][index] < small:
                    raise ParameterError(
                        f"{self._name('tau_chn', p, q, r)} can only be 0: {what} is 0 and not "
                        "free; free it too, or give it a value"
                    )
            still = numbers["chains"][p, q] < 0
            if np.any(still & (np.abs(values["chains"][p, q]) > SMALLEST_SHARE)):
                a, b = self.parameters.populations[p], self.parameters.populations[q]
                raise ParameterError(
                    f"chains through {b} onto {a} share a bound, and some that are not 0 are not "
                    f"free: free tau_chn[{a},{b},*]"
                )

    def _check_shared_sources(self) -> None:
        """Where in-strengths are correlated, chains change together."""
        numbers, sources = self.numbers, fixed_values(self.parameters)["sources"]
        for q in range(self.P):
            free = numbers["chains"][:, q] >= 0
            moving = np.any(numbers["across"][q] >= 0)
            if np.allclose(sources[q], np.eye(self.P)) and not moving:
                continue
            count = self.there[q].sum()
            partly = [p for p in range(self.P) if 0 < free[p].sum() < count and self.there[p, q]]
            if partly:
                a, b = self.parameters.populations[partly[0]], self.parameters.populations[q]
                raise ParameterError(
                    f"in-strengths of population {b} from different sources are correlated, so its "
                    f"chains onto {a} change together: free tau_chn[{a},{b},*], or free only "
                    f"tau_con of equal sources, as tau_con[{b},{a},{a}]"
                )
