"""Linear filters in the generated code: their states, inner states, and how they change."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import sympy as sp

from ..architecture import UNIT, Architecture, Filter
from ..equations import MeanField
from ..notation import COUNTS, DRIVES, QUANTITIES, Equation
from .printer import jax_code

# latent variables of the sources, one for each membrane among the targets
_DRIVE = {name: name for name in DRIVES} | {"drive": "mean"}


class FilterCode:
    """Code for the filters of one system of equations.

    runtime: whether the generated code needs `linear`; names: what quantities are called in the
    code
    """

    def __init__(self, mean_field: MeanField):
        self.mean_field = mean_field
        self.kinds = {"membrane": _Kind(mean_field.architecture, "membrane")}
        if mean_field.architecture.has_synapses:
            self.kinds["synapse"] = _Kind(mean_field.architecture, "synapse")
        self.by_target = self.kinds["membrane"].distinct > 1
        self.drives = [name for name in DRIVES if name in mean_field.parameters]

    @cached_property
    def runtime(self) -> bool:
        return len(self.kinds) > 1 or not self.kinds["membrane"].is_unit

    @cached_property
    def followers(self) -> list[Equation]:
        """Equations of what has no dynamics where a membrane is 1."""
        equations = self.mean_field.equations if self.kinds["membrane"].passing else ()
        return [e for e in equations if e.response == "membrane"]

    @property
    def used(self) -> list[_Kind]:
        """Kinds of filters that the code must know; unit membranes it need not."""
        return [k for k in self.kinds.values() if k.name == "synapse" or not k.is_unit]

    @property
    def parametrised(self) -> list[str]:
        """Names of the families of filter parameters."""
        return [name for name, kind in self.kinds.items() if kind.parameters]

    @cached_property
    def names(self) -> dict[str, str]:
        names = {
            e.name: e.name if self._is_gathered(e.name) else f"state.{e.name}"
            for e in self.mean_field.equations
        }
        drives = (
            {name: f"drive.{_DRIVE[name]}" for name in self.drives} if len(self.drives) > 1 else {}
        )
        return names | drives

    def _is_gathered(self, name: str) -> bool:
        return self.by_target and name in _GATHERED

    @property
    def drive_shape(self) -> str:
        return "a `Drive`" if len(self.drives) > 1 else "shape (P,)"

    def drive(self) -> list[list[str]]:
        """The class of external inputs, where they have more than one part."""
        if len(self.drives) == 1:
            return []
        fields = [
            f"    {_DRIVE[name]}: jax.Array  # {QUANTITIES[name].meaning}" for name in self.drives
        ]
        return [
            [
                "class Drive(NamedTuple):",
                '    """The external input at one time, one value per population in each field."""',
                "",
                *fields,
            ]
        ]

    def definitions(self) -> list[list[str]]:
        """Functions for the forms of filters, and which population has which."""
        return [kind.definitions() for kind in self.used]

    def fields(self) -> list[str]:
        """Fields of the state."""
        lines = []
        for e in self.mean_field.equations:
            shape = _AXES.get("kappa" if self._is_gathered(e.name) else e.name, "")
            lines.append(
                f"    {e.name}: jax.Array  # "
                f"{shape + ' ' if shape else ''}{QUANTITIES[e.name].meaning}"
            )
            if self._inner(e):
                lines.append(f"    {e.name}_inner: jax.Array  # further states of its filter")
        return lines

    def rest(self) -> list[str]:
        """The state of a silent network."""
        fields = []
        for e in self.mean_field.equations:
            rows = self._rows(e)
            trailing = "".join(f", {axis}" for axis in self._trailing(e))
            fields.append(f"{e.name}=jnp.zeros({f'({rows}{trailing})' if trailing else 'P'})")
            if self._inner(e):
                places = "noise_places" if e.response == "noise" else "inner_places"
                count = f"len(linear.{places}({self._orders(e)}, {rows})[0])"
                fields.append(
                    f"{e.name}_inner=jnp.zeros({f'({count}{trailing})' if trailing else count})"
                )
        head = [
            "def rest(P):",
            '    """The state of a silent network of P populations."""',
            "    return State(",
        ]
        return [*head, *(f"        {f}," for f in fields), "    )"]

    def kind(self, e: Equation) -> _Kind:
        """The filters that a state has."""
        return self.kinds["synapse" if e.response == "synapse" else "membrane"]

    def _is_of_classes(self, e: Equation) -> bool:
        """Whether the first axis is that of the distinct filters, not of the populations."""
        return len(e.indices) > 1 and e.name != "theta"

    def _trailing(self, e: Equation) -> list[str]:
        """Sizes of the axes after the first."""
        features = str(len(self.mean_field.architecture.features))
        return [features if index in COUNTS else "P" for index in e.indices[1:]]

    def _rows(self, e: Equation) -> str:
        """How many filters of this kind stand side by side."""
        return str(self.kind(e).distinct) if self._is_of_classes(e) else "P"

    def _inner(self, e: Equation) -> bool:
        return self.kind(e).highest > 1

    def _orders(self, e: Equation) -> str:
        kind = self.kind(e)
        return f"{kind.name.upper()}_{'CLASS_' if self._is_of_classes(e) else ''}ORDERS"

    def coefficient_fields(self) -> list[str]:
        lines = []
        for kind in self.used:
            lines.append(f"    {kind.name}: linear.Filters")
            if self.needs_classes(kind):
                lines.append(
                    f"    {kind.name}_class: linear.Filters  # one for each distinct filter"
                )
        return lines

    def needs_classes(self, kind: _Kind) -> bool:
        """Whether some state has one value for each distinct filter."""
        return any(
            self._is_of_classes(e) and self.kind(e) is kind for e in self.mean_field.equations
        )

    def coefficients(self) -> list[str]:
        """Lines that compute the filters' coefficients from the parameters."""
        lines = ["    P = parameters.mean.shape[0]"] if self.runtime else []
        for kind in self.used:
            lines += kind.coefficients()
            if self.needs_classes(kind):
                lines.append(f"    {kind.name}_class = {kind.name}.at({kind.name.upper()}_FIRST)")
        if any(e.name in ("current", "along") for e in self.mean_field.equations):
            kind = self.kinds["synapse"]
            made = "jnp.ones((1, P))" if kind.distinct == 1 else f"jnp.array({kind.membership()!r})"
            lines.append(f"    SOURCES = {made}")
        return lines

    def follow(self, total: Callable[[Equation], str]) -> list[list[str]]:
        """The function that replaces what has no dynamics by its value, where there is such.

        Args:
            total: code for the sum of an equation's terms.
        """
        if not self.followers:
            return []
        lines = [
            "def follow(state, drive, c):",
            '    """The state with the outputs of membranes that pass their inputs on at once."""',
            "    return state._replace(",
        ]
        kind = self.kinds["membrane"]
        for e in self.followers:
            value, own = total(e), f"state.{e.name}"
            if self._is_of_classes(e):
                value = f"jnp.where(jnp.array({kind.passing_class!r})[:, None], {value}, {own})"
            elif not all(kind.passing_of):
                value = f"jnp.where(jnp.array({kind.passing_of!r}), {value}, {own})"
            lines.append(f"        {e.name}={value},")
        return [[*lines, "    )"]]

    def gathered(self, *equations: Equation, state: str = "state") -> list[str]:
        """Lines that give every target population the latent variables of its own membrane."""
        used = {str(b) for e in equations for t in e.terms for b in t.summand.atoms(sp.IndexedBase)}
        wanted = [name for name in _GATHERED if self._is_gathered(name) and name in used]
        return [f"    {name} = {state}.{name}[MEMBRANE_OF]  # [target, source]" for name in wanted]

    def change(self, e: Equation, total: str) -> tuple[list[str], list[str]]:
        """Lines before, and fields of the time derivative."""
        kind = self.kind(e)
        state, own = f"state.{e.name}", f"c.{kind.name}{'_class' if self._is_of_classes(e) else ''}"
        if e.response == "noise":
            if kind.is_unit:
                return [], [f"{e.name}=2 * ({total} - {state})"]
            inner = f"{state}_inner" if self._inner(e) else "None"
            return self._both(
                e, f"linear.diffuse({state}, {inner}, {total}, {own}, {self._orders(e)})"
            )
        if kind.is_unit and kind.distinct == 1:
            return [], [f"{e.name}=-{state} + {total}"]
        if not self._inner(e):
            return [], [f"{e.name}=linear.low_pass({state}, {total}, {own})"]
        return self._both(
            e, f"linear.respond({state}, {state}_inner, {total}, {own}, {self._orders(e)})"
        )

    def _both(self, e: Equation, call: str) -> tuple[list[str], list[str]]:
        fields = [e.name, f"{e.name}_inner"] if self._inner(e) else [e.name]
        targets = f"d_{e.name}, {f'd_{e.name}_inner' if self._inner(e) else '_'}"
        return [f"    {targets} = {call}"], [f"{name}=d_{name}" for name in fields]


class _Kind:
    """The membranes, or the synapses, of an architecture."""

    def __init__(self, architecture: Architecture, name: str):
        self.name = name
        filters: tuple[Filter, ...] = getattr(architecture, name)
        self.own = tuple(f.state_form for f in filters)
        self.passing = any(f.is_identity for f in filters)
        self.passing_of = [f.is_identity for f in filters]
        self.passing_class = [f.is_identity for f in architecture.distinct_filters(name)]
        self.populations = len(self.own)
        self.of = architecture.filter_index(name, self.populations)
        self.distinct = len(architecture.distinct_filters(name))
        self.forms = list({f.expression: f for f in self.own}.values())
        self.form_of = tuple(
            [f.expression for f in self.forms].index(f.expression) for f in self.own
        )
        self.highest = max(f.order for f in self.own)
        self.is_unit = self.distinct == 1 and self.own[0].expression == UNIT.expression
        self.parameters = list(dict.fromkeys(n for f in self.own for n in f.parameters))

    def membership(self) -> list[list[float]]:
        return [[float(k == c) for k in self.of] for c in range(self.distinct)]

    def definitions(self) -> list[str]:
        lines: list[str] = []
        for k, form in enumerate(self.forms):
            above, below = (", ".join(jax_code(c) for c in side) for side in form.polynomials)
            lines += [
                f"def {self.name}_{k}({', '.join(form.parameters)}):",
                f'    """{form.expression}: coefficients of 1, s, s**2, ..."""',
                f"    return ({above},), ({below},)",
                "",
                "",
            ]
        upper = self.name.upper()
        one = self.distinct == 1
        first = [self.of.index(c) for c in range(self.distinct)]
        orders = [f.order for f in self.own]
        lines += [
            f"{upper}_OF = {'jnp.array([0])' if one else f'jnp.array({list(self.of)!r})'}  # the "
            "distinct filter of each population",
            f"{upper}_FIRST = jnp.array({first!r})  # a population that has it",
            f"{upper}_ORDERS = {orders[0] if one else tuple(orders)!r}",
            f"{upper}_CLASS_ORDERS = {tuple(orders[p] for p in first)!r}",
        ]
        if self.parameters:
            lines += [
                f"{upper}_DEFAULTS = {{",
                *(f'    "{name}": {self._default(name)},' for name in self.parameters),
                "}",
            ]
        return lines

    def _default(self, name: str) -> str:
        values = [
            repr(float({str(s): v for s, v in f.defaults.items()}.get(name, 1))) for f in self.own
        ]
        return values[0] if len(set(values)) == 1 else f"jnp.array([{', '.join(values)}])"

    def coefficients(self) -> list[str]:
        upper = self.name.upper()
        lines = (
            [f"    {self.name} = {{**{upper}_DEFAULTS, **parameters.{self.name}}}"]
            if self.parameters
            else []
        )
        forms = []
        for k, form in enumerate(self.forms):
            values = ", ".join(f'{self.name}["{n}"]' for n in form.parameters)
            forms.append(f"linear.observer(*{self.name}_{k}({values}), P, {self.highest})")
        of = "None" if len(forms) == 1 else repr(self.form_of)
        return [*lines, f"    {self.name} = linear.select(({', '.join(forms)},), {of})"]


_GATHERED = ("kappa", "rho", "s")
_AXES = {
    "kappa": "[membrane, q]",
    "current": "[synapse, p]",
    "theta": "[p, feature]",
    "along": "[synapse, p, feature]",
}
