"""Mean-field equations as a NumPy and SciPy module that stands alone, for `solve_ivp`."""

from __future__ import annotations

from ..equations import MeanField
from ..notation import DRIVES, QUANTITIES, Equation
from .einsum import product, sum_of_products
from .filters import FilterCode
from .header import preamble
from .numpy_functions import TransferCode, helpers, numpy_code
from .parts import parts_of
from .scalars import refuse

USE = """\
    from scipy.integrate import solve_ivp
    c = coefficients(parameters)
    solution = solve_ivp(vector_field, (0, 50), pack(rest(P)), args=(c, drive), \
rtol=1e-8, atol=1e-10)
    states = [unpack(y, P) for y in solution.y.T]""".splitlines()
CONVENTIONS = [
    "All arrays are indexed by population, row = target. Averages of transfer functions without a "
    "closed form are computed to about 1e-10 of the",
    "function's size.",
]
IMPORTS = """\
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np""".splitlines()


def numpy_module(mean_field: MeanField) -> str:
    """The source of a module that imports NumPy and SciPy only.

    It integrates by

        solve_ivp(vector_field, (0, t1), pack(rest(P)), args=(coefficients(parameters), drive))

    and has the functions of the JAX module, in flat states y. Averages without a closed form are
    computed by quadrature, to about 1e-10 of the size of the transfer function.

    Args:
        mean_field: The equations.

    Raises:
        NoClosedFormError: A transfer function is JAX code.
        ArchitectureError: A membrane is 1, or strengths have components.
    """
    refuse(mean_field.architecture, "a NumPy module")
    return _Module(mean_field).source()


class _Module:
    def __init__(self, mean_field: MeanField):
        self.mean_field, self.architecture = mean_field, mean_field.architecture
        self.filters = FilterCode(mean_field)
        whole = (*mean_field.equations, mean_field.variance)
        self.tensors = {part.term.name: part for e in whole for part in parts_of(e) if part.kept}
        self.transfer = TransferCode(mean_field)
        self.names = dict(self.filters.names)
        for e in mean_field.equations:
            level = "" if self._levels(e) == 1 else "[0, 0]" if e.response == "noise" else "[0]"
            if self.names[e.name].startswith("state."):
                self.names[e.name] += level

    def source(self) -> str:
        blocks = [
            *self.transfer.blocks(),
            *self._filters(),
            self._state(),
            *self._flat(),
            *self._drive(),
            self._coefficients(),
            self._variance(),
            self._averages(),
            self._rates(),
            self._vector_field(),
        ]
        body = "\n\n\n".join("\n".join(lines) for lines in blocks)
        return "\n\n\n".join([self._head(body), *helpers(body), body]) + "\n"

    def _head(self, body: str) -> str:
        attributes = [n for n in self.mean_field.parameters if n not in DRIVES]
        families = [k for k in ("transfer", "membrane", "synapse") if self.transfer.defaults(k)]
        text = (
            f", and where they differ from DEFAULTS {', '.join(families)} (parameters by name)"
            if families
            else ""
        )
        first, *others = preamble(self.mean_field)
        lines = [
            f'"""{first}',
            *others,
            *USE,
            "",
            f"`parameters` is a dict, or an object with attributes: {', '.join(attributes)}{text}.",
            f"`drive` is {self._drive_text()}, or a function of time that returns one.",
            *CONVENTIONS,
            '"""',
            "",
            *IMPORTS,
        ]
        special = ["from scipy import special"] if self._uses_special(body) else []
        return "\n".join([*lines, *special])

    def _uses_special(self, body: str) -> bool:
        return any("special." in text for text in (body, *helpers(body)))

    def _drive_text(self) -> str:
        return "a `Drive`" if len(self.filters.drives) > 1 else "an array of shape (P,)"

    def _levels(self, e: Equation) -> int:
        return self.filters.kind(e).highest

    def _filters(self) -> list[list[str]]:
        blocks = []
        for kind in self.filters.used:
            for k, form in enumerate(kind.forms):
                above, below = (", ".join(numpy_code(c) for c in side) for side in form.polynomials)
                blocks.append(
                    [
                        f"def {kind.name}_{k}({', '.join(form.parameters)}):",
                        f'    """{form.expression}: coefficients of 1, s, s**2, ..."""',
                        f"    return ({above},), ({below},)",
                    ]
                )
            first = [kind.of.index(c) for c in range(kind.distinct)]
            upper = kind.name.upper()
            blocks.append(
                [
                    f"{upper}_OF = np.array({[0] if kind.distinct == 1 else list(kind.of)})  # the "
                    "distinct filter of each population",
                    f"{upper}_FIRST = np.array({first})  # a population that has it",
                ]
            )
        return blocks

    def _shape(self, e: Equation) -> str:
        m, kind = self._levels(e), self.filters.kind(e)
        levels = [] if m == 1 else [str(m)] * (2 if e.response == "noise" else 1)
        return ", ".join([*levels, *([str(kind.distinct)] if len(e.indices) > 1 else []), "P"])

    def _state(self) -> list[str]:
        lines = [
            "class State(NamedTuple):",
            '    """The latent variables; of a filter of higher order all its states, the output '
            'first."""',
            "",
        ]
        for e in self.mean_field.equations:
            levels = (
                ""
                if self._levels(e) == 1
                else "level, level, "
                if e.response == "noise"
                else "level, "
            )
            axes = (
                str(e.indices[-1])
                if len(e.indices) == 1
                else f"{self.filters.kind(e).name}, {e.indices[-1]}"
            )
            lines.append(
                f"    {e.name}: np.ndarray  # [{levels}{axes}] {QUANTITIES[e.name].meaning}"
            )
        return lines

    def _flat(self) -> list[list[str]]:
        rest = [
            "        "
            f"{e.name}=np.zeros(({self._shape(e)}{',' if ',' not in self._shape(e) else ''})),"
            for e in self.mean_field.equations
        ]
        return [
            [
                "def rest(P):",
                '    """The state of a silent network of P populations."""',
                "    return State(",
                *rest,
                "    )",
            ],
            [
                "def pack(state):",
                '    """A state as one flat array."""',
                "    return np.concatenate([np.ravel(field) for field in state])",
            ],
            [
                "def unpack(y, P):",
                '    """The state that a flat array is, for P populations."""',
                "    fields, start = [], 0",
                "    for field in rest(P):",
                "        fields.append(np.reshape(y[start : start + field.size], field.shape))",
                "        start += field.size",
                "    return State(*fields)",
            ],
        ]

    def _drive(self) -> list[list[str]]:
        return [
            [line.replace("jax.Array", "np.ndarray") for line in block]
            for block in self.filters.drive()
        ]

    def _coefficients(self) -> list[str]:
        return [*self._coefficient_class(), "", "", *self._coefficient_function()]

    def _coefficient_class(self) -> list[str]:
        lines = ["class Coefficients(NamedTuple):", '    """What does not depend on the state."""']
        lines += ["", "    P: int"]
        for name, part in self.tensors.items():
            lines.append(f"    {name}: np.ndarray  # [{', '.join(part.kept)}]")
        if self.transfer.defaults("transfer"):
            what = "parameters of the transfer functions"
            lines.append(f"    transfer: dict[str, np.ndarray]  # {what}")
        for kind in self.filters.used:
            what = "T, a, b of each population's filter"
            lines.append(f"    {kind.name}: tuple[np.ndarray, ...]  # {what}")
            if self.filters.needs_classes(kind):
                what = "of each distinct filter"
                lines.append(f"    {kind.name}_class: tuple[np.ndarray, ...]  # {what}")
        return lines

    def _coefficient_function(self) -> list[str]:
        names = [n for n in self.mean_field.parameters if n not in DRIVES]
        sized = next(n for n in names if n != "N")
        lines = [
            "def coefficients(parameters):",
            '    """Collect the parameters into one tensor per term."""',
            "    given = parameters if isinstance(parameters, Mapping) else vars(parameters)",
            *(f"    {n} = np.asarray(given[{n!r}], dtype=float)" for n in names),
            f"    P = len({sized})",
            *self._parameter_lines(),
        ]
        for name, value in self.mean_field.definitions.items():
            lines.append(f"    {name} = {sum_of_products(value, 'pq', 'np')}")
        lines += ["    return Coefficients(", "        P=P,"]
        for name, part in self.tensors.items():
            lines.append(f"        {name}={product(part.constant).code(part.kept, 'np')},")
        if self.transfer.defaults("transfer"):
            lines.append("        transfer=transfer,")
        for kind in self.filters.used:
            name = kind.name
            lines.append(f"        {name}={name},")
            if self.filters.needs_classes(kind):
                parts = f"part[..., {name.upper()}_FIRST] for part in {name}"
                lines.append(f"        {name}_class=tuple({parts}),")
        return [*lines, "    )"]

    def _parameter_lines(self) -> list[str]:
        """Lines for the parameters of functions and filters, and which synapses are alike."""
        lines = []
        for owner in ("transfer", "membrane", "synapse"):
            if self.transfer.defaults(owner):
                both = f'{{**DEFAULTS["{owner}"], **given.get("{owner}", {{}})}}'
                each = f"np.broadcast_to(v, (P,)) for n, v in {both}.items()"
                lines.append(f"    {owner} = {{n: {each}}}")
        for kind in self.filters.used:
            forms = []
            for k, form in enumerate(kind.forms):
                values = ", ".join(f'{kind.name}["{n}"]' for n in form.parameters)
                forms.append(f"observer(*{kind.name}_{k}({values}), P, {kind.highest})")
            every = f"select(({', '.join(forms)}), {kind.form_of!r})"
            lines.append(f"    {kind.name} = {forms[0] if len(forms) == 1 else every}")
        if any(e.name == "current" for e in self.mean_field.equations):
            kind = self.filters.kinds["synapse"]
            several = f"np.array({kind.membership()!r})"
            made = "np.ones((1, P))" if kind.distinct == 1 else several
            lines.append(f"    SOURCES = {made}")
        return lines

    def _sum(self, e: Equation) -> str:
        output = "".join(map(str, e.indices))
        return " + ".join(part.code(output, self.names, "np", "") for part in parts_of(e))

    def _gathered(self, *equations: Equation) -> list[str]:
        level = "[0]" if self.filters.kinds["membrane"].highest > 1 else ""
        return [
            line.replace("[MEMBRANE_OF]", f"{level}[MEMBRANE_OF]")
            for line in self.filters.gathered(*equations)
        ]

    def _variance(self) -> list[str]:
        outer = '"""Variance of the input current within each population, shape (P,)."""'
        found = self._sum(self.mean_field.variance) or "np.zeros(c.P)"
        return [
            "def variance(state, c):",
            f"    {outer}",
            *self._gathered(self.mean_field.variance),
            f"    return {found}",
        ]

    def _averages(self) -> list[str]:
        own = "c.transfer[n][which]" if self.transfer.defaults("transfer") else "()"
        return [
            "def averages(mu, Delta, c):",
            f'    """{self.transfer.what} of each population."""',
            f"    found = np.zeros(({3 if self.transfer.square else 2}, c.P))",
            "    for k, (average, names) in enumerate(zip(AVERAGES, TRANSFER_PARAMETERS, "
            "strict=True)):",
            "        which = np.full(c.P, True) if TRANSFER_OF is None else TRANSFER_OF == k",
            f"        found[:, which] = average(mu[which], Delta[which], *({own} for n in names))",
            "    return found",
        ]

    def _rates(self) -> list[str]:
        return [
            "def rates(state, c):",
            '    """Mean rate of each population, shape (P,)."""',
            f"    return averages({self.names['K']}, variance(state, c), c)[0]",
        ]

    def _vector_field(self) -> list[str]:
        lines = [
            "def vector_field(t, y, c, drive):",
            f'    """Time derivative of the flat state y; `drive` is {self._drive_text()}, or a '
            'function of time."""',
            "    drive = drive(t) if callable(drive) else drive",
        ]
        if len(self.filters.drives) <= 1:
            lines.append("    drive = np.broadcast_to(np.asarray(drive, dtype=float), (c.P,))")
        else:
            lines.append(
                "    drive = Drive(*(np.broadcast_to(np.asarray(part, dtype=float), (c.P,)) for "
                "part in drive))"
            )
        unpacked = "R, G, C" if self.transfer.square else "R, G"
        lines += [
            "    state = unpack(y, c.P)",
            "    Delta = variance(state, c)",
            f"    {unpacked} = averages({self.names['K']}, Delta, c)",
        ]
        lines += self._gathered(*self.mean_field.equations)
        made = [f"        {e.name}={self._change(e)}," for e in self.mean_field.equations]
        return [*lines, "    change = State(", *made, "    )", "    return pack(change)"]

    def _change(self, e: Equation) -> str:
        kind, total, state = self.filters.kind(e), self._sum(e), f"state.{e.name}"
        filters = f"c.{kind.name}{'_class' if len(e.indices) > 1 else ''}"
        one = self._levels(e) == 1
        if e.response == "noise":
            if kind.is_unit:
                return f"2 * ({total} - {state})"
            return (
                f"diffuse({state}[None, None], {total}, {filters})[0, 0]"
                if one
                else f"diffuse({state}, {total}, {filters})"
            )
        if kind.is_unit and kind.distinct == 1:
            return f"-{state} + {total}"
        return (
            f"respond({state}[None], {total}, {filters})[0]"
            if one
            else f"respond({state}, {total}, {filters})"
        )
