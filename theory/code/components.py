"""Code for the components of strengths: their moments, and what averages over them add up to.

Components lie along the first axis of an array, populations along the last.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..equations import MeanField
from ..notation import Equation
from .filters import FilterCode
from .parts import indices_of, parts_of

AVERAGES = {"R": "mean_rate", "G": "mean_gain", "C": "second_moment"}
MOMENTS = ("shift", "Delta_c")


class ComponentCode:
    """Code for averages over populations whose strengths have components.

    Args:
        mean_field: The equations.
        filters: What states are called.
        prepared: The last argument of averages, with its comma.
    """

    def __init__(self, mean_field: MeanField, filters: FilterCode, prepared: str):
        self.mean_field, self.filters, self.prepared = mean_field, filters, prepared
        self.own = {e.name: e for e in mean_field.components}

    def moments(self) -> list[str]:
        """The function of the means and variances of components."""
        own = [self.own[name] for name in MOMENTS if name in self.own]
        totals = {e.name: self.total(e, self.filters.names) for e in own}
        return [
            "def components(state, c):",
            '    """Mean input current less K, and variance, of each component: (M, P)."""',
            *self.filters.gathered(*own),
            f"    shift = {totals.get('shift', 'jnp.zeros_like(c.weight)')}",
            f"    Delta_c = {totals['Delta_c'] or '0.0'}",
            "    return shift, jnp.broadcast_to(Delta_c, shift.shape)",
        ]

    def variance(self) -> list[str]:
        """Lines of the function of the whole variance."""
        return [
            "    shift, Delta_c = components(state, c)",
            f"    return {self.total(self.mean_field.variance, {})}",
        ]

    def rates(self) -> list[str]:
        """Lines of the function of the mean rates."""
        return [
            "    shift, Delta_c = components(state, c)",
            f"    R_c = mean_rate(state.K[None] + shift, Delta_c{self.prepared})",
            f"    return {self.total(self.own['R'], {})}",
        ]

    def averages(self, state: str) -> list[str]:
        """Lines that compute the averages of components, and what they add up to."""
        own = f"({state}.K[None] + shift, Delta_c{self.prepared})"
        used = self.mean_field.averages
        first = f"R_c, G_c = mean_rate.derivatives{own}" if "G" in used else f"R_c = mean_rate{own}"
        lines = [f"    shift, Delta_c = components({state}, c)", f"    {first}"]
        if "C" in used:
            lines.append(f"    C_c = second_moment{own}")
        names = {n: code.replace("state.", f"{state}.") for n, code in self.filters.names.items()}
        rest = [e for e in self.mean_field.components if e.name not in MOMENTS]
        lines += self.filters.gathered(*rest, state=state)
        return [*lines, *(f"    {e.name} = {self.total(e, names)}" for e in rest)]

    def total(self, e: Equation, names: Mapping[str, str]) -> str:
        """The sum of an equation's terms; one that is the same for all components lacks an axis."""
        output = "".join(map(str, e.indices))
        texts = []
        for part in parts_of(e):
            there = indices_of(part.term.summand)
            own = "".join(letter for letter in output if letter in there)
            text = part.code(own, names)
            texts.append(text if own == output else f"({text})[None]")
        return " + ".join(texts)
