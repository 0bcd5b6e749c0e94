"""Mean-field equations as a module of NumPy and SciPy that stands alone, for `scipy.integrate.solve_ivp`."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from types import FunctionType

import sympy as sp

from ..architecture import TransferFunction
from ..equations import MeanField
from ..notation import DRIVES, QUANTITIES, Equation
from . import numpy_helpers
from .einsum import product, sum_of_products
from .filters import FilterCode
from .printer import Printer, prepared
from .scalars import pieces_of, refuse_code
from .to_jax import MU, closed_average, names_of, parts_of


class _Printer(Printer):
    """NumPy and SciPy instead of JAX."""

    helpers = ""

    def _special(self, name, expr):
        return f"special.{name}({', '.join(self._print(a) for a in expr.args)})"

    def _print_erf(self, expr):
        return self._special("erf", expr)

    def _print_erfc(self, expr):
        return self._special("erfc", expr)

    def _print_Sigmoid(self, expr):
        return self._special("expit", expr)

    def _print_Softplus(self, expr):
        return f"np.logaddexp(0.0, {self._print(expr.args[0])})"

    def _print_InverseRoot(self, expr):
        return f"(1 / np.sqrt({self._print(expr.args[0])}))"

    def _print_NormalCDF(self, expr):
        return self._call("normal_cdf", expr.args)

    def _print_Infinity(self, expr):
        return "np.inf"

    def _print_NegativeInfinity(self, expr):
        return "-np.inf"


def numpy_code(expression: sp.Expr) -> str:
    """One line of Python that evaluates the expression with `np`, `special` and the functions of `numpy_helpers` in scope."""
    return (
        _Printer({"fully_qualified_modules": True, "precision": 17})
        .doprint(prepared(expression))
        .replace("jax.numpy.", "np.")
    )


def numpy_module(mean_field: MeanField) -> str:
    """The source of a module that imports NumPy and SciPy only, and integrates by

        solve_ivp(vector_field, (0, t1), pack(rest(P)), args=(coefficients(parameters), drive))

    It has the functions of the JAX module, in flat states y. Averages without a closed form are
    computed by quadrature, to about 1e-10 of the size of the transfer function. Raises
    `NoClosedFormError` for a transfer function that is JAX code.
    """
    refuse_code(mean_field.architecture, "a NumPy module")
    return _Module(mean_field).source()


class _Module:
    def __init__(self, mean_field: MeanField):
        self.mean_field, self.architecture = mean_field, mean_field.architecture
        self.filters = FilterCode(mean_field)
        whole = (*mean_field.equations, mean_field.variance)
        self.tensors = {part.term.name: part for e in whole for part in parts_of(e) if part.kept}
        self.functions = self.architecture.distinct_transfers
        self.square = "C" in mean_field.averages
        self.names = dict(self.filters.names)
        for e in mean_field.equations:
            level = "" if self._levels(e) == 1 else "[0, 0]" if e.response == "noise" else "[0]"
            if self.names[e.name].startswith("state."):
                self.names[e.name] += level

    def source(self) -> str:
        blocks = [
            *self._functions(),
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
        from ... import __version__

        populations = self.architecture.populations
        who = (
            f"populations {', '.join(json.dumps(n)[1:-1] for n in populations)}"
            if populations
            else "any number of populations"
        )
        equations = "\n".join("    " + line for line in str(self.mean_field).splitlines())
        attributes = [n for n in self.mean_field.parameters if n not in DRIVES]
        families = [k for k in ("transfer", "membrane", "synapse") if self._defaults(k)]
        text = (
            f", and where they differ from DEFAULTS {', '.join(families)} (parameters by name)"
            if families
            else ""
        )
        how = f"""\
    from scipy.integrate import solve_ivp
    c = coefficients(parameters)
    solution = solve_ivp(vector_field, (0, 50), pack(rest(P)), args=(c, drive), rtol=1e-8, atol=1e-10)
    states = [unpack(y, P) for y in solution.y.T]

`parameters` is a dict, or an object with attributes: {", ".join(attributes)}{text}.
`drive` is {self._drive_text()}, or a function of time that returns one.
All arrays are indexed by population, row = target. Averages of transfer functions without a closed form are computed to about 1e-10 of the
function's size."""
        return (
            f'"""Mean-field equations, closure {type(self.mean_field.closure).__name__}, {who}.\n\nGenerated by motifield {__version__} '
            f'from\n\n{equations}\n\nUse\n\n{how}\n"""\n\nfrom collections.abc import Mapping\nfrom typing import Any, NamedTuple\n\n'
            "import numpy as np\n"
            + ("from scipy import special\n" if self._uses_special(body) else "")
        ).rstrip("\n")

    def _uses_special(self, body: str) -> bool:
        return any("special." in text for text in (body, *helpers(body)))

    def _drive_text(self) -> str:
        return "a `Drive`" if len(self.filters.drives) > 1 else "an array of shape (P,)"

    # ---- transfer functions

    def _functions(self) -> list[list[str]]:
        found = []
        for name, f in zip(names_of(self.functions), self.functions, strict=True):
            found += self._function(name, f)
        names = ", ".join(f"{n}_averages" for n in names_of(self.functions))
        index = self.architecture.transfer_index(len(self.architecture.populations or ("",)))
        lines = [
            f"AVERAGES = ({names},)",
            f"TRANSFER_PARAMETERS = ({', '.join(repr(f.parameters) for f in self.functions)},)",
            "TRANSFER_OF = "
            f"{'None  # one for every population' if len(self.functions) == 1 else f'np.array({list(index)!r})'}",
            "DEFAULTS: dict[str, dict[str, Any]] = {",
        ]
        for kind in ("transfer", "membrane", "synapse"):
            lines.append(
                f'    "{kind}": {{'
                + ", ".join(f'"{n}": {v}' for n, v in self._defaults(kind).items())
                + "},"
            )
        return [*found, [*lines, "}"]]

    def _defaults(self, kind: str) -> dict[str, str]:
        if kind == "transfer":
            return {n: _values(v) for n, v in self.architecture.transfer_parameters.items()}
        own = getattr(self.architecture, kind)
        names = dict.fromkeys(n for f in own for n in f.parameters)
        return {
            n: _values(
                [{str(s): v for s, v in f.defaults.items()}.get(n, sp.Integer(1)) for f in own]
            )
            for n in names
        }

    def _function(self, name: str, f: TransferFunction) -> list[list[str]]:
        """The function, and its averages."""
        f = _renamed(f)
        arguments, own = ", ".join(("x", *f.parameters)), "".join(f", {n}" for n in f.parameters)
        breaks, pieces, slopes = pieces_of(f)
        blocks, body = [], [f"    return {numpy_code(f.expression)}"]
        if breaks or not self._is_closed(f):
            lines = [
                f"{name}_breaks = ({''.join(numpy_code(b) + ', ' for b in breaks).rstrip(' ')})",
                f"{name}_pieces = (",
                *(f"    lambda {arguments}: {numpy_code(piece)}," for piece in pieces),
                ")",
            ]
            if not self._is_closed(f):
                lines += [
                    f"{name}_slopes = (",
                    *(f"    lambda {arguments}: {numpy_code(slope)}," for slope in slopes),
                    ")",
                ]
            blocks.append(lines)
            inner = [] if f.affine.is_identity else [f"    x = {numpy_code(f.affine.line)}"]
            body = [*inner, f"    return piecewise(x, {name}_pieces, {name}_breaks{own})"]
        blocks.append([f"def {name}({arguments}):", f'    """{f.expression}"""', *body])
        return [*blocks, self._average(name, f)]

    def _is_closed(self, f: TransferFunction) -> bool:
        return closed_average(f, 1) is not None and (
            not self.square or closed_average(f, 2) is not None
        )

    def _average(self, name: str, f: TransferFunction) -> list[str]:
        own = "".join(f", {n}" for n in f.parameters)
        lines = [
            f"def {name}_averages(mu, Delta{own}):",
            f'    """{self._what()} over x ~ N(mu, Delta)."""',
        ]
        a = sp.Integer(1) if f.affine.is_identity else f.affine.a
        if not f.affine.is_identity:
            lines.append(
                f"    mu, Delta = {numpy_code(f.affine.a)} * mu + {_bracketed(f.affine.b)}, "
                f"({numpy_code(f.affine.a)}) ** 2 * Delta"
            )
        rate, square = closed_average(f, 1), closed_average(f, 2) if self.square else sp.Integer(0)
        if rate is None or square is None:
            lines.append(
                f"    R, G, C = quadrature({name}_pieces, {name}_slopes, {name}_breaks, mu, "
                f"Delta{own})"
            )
        if rate is not None:
            lines += [f"    R = {numpy_code(rate)}", f"    G = {numpy_code(sp.diff(rate, MU))}"]
        if self.square and square is not None:
            lines.append(f"    C = {numpy_code(square)}")
        gain = "G" if a == 1 else f"({numpy_code(a)}) * G"
        return [
            *lines,
            "    return np.stack(np.broadcast_arrays(R + 0.0 * mu, "
            f"{gain}{', C' if self.square else ''}))",
        ]

    # ---- filters and states

    def _levels(self, e: Equation) -> int:
        return self._kind(e).highest

    def _kind(self, e: Equation):
        return self.filters.kinds["synapse" if e.response == "synapse" else "membrane"]

    def _used(self):
        return [
            kind
            for kind in self.filters.kinds.values()
            if kind.name == "synapse" or not kind.is_unit
        ]

    def _filters(self) -> list[list[str]]:
        blocks = []
        for kind in self._used():
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
        m, kind = self._levels(e), self._kind(e)
        levels = [] if m == 1 else [str(m)] * (2 if e.response == "noise" else 1)
        return ", ".join([*levels, *([str(kind.distinct)] if len(e.indices) > 1 else []), "P"])

    def _state(self) -> list[str]:
        lines = [
            "class State(NamedTuple):",
            '    """The latent variables; of a filter of higher order all its states, the output first."""',
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
                else f"{self._kind(e).name}, {e.indices[-1]}"
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
        fields = [
            f"    {name}: np.ndarray  # [{', '.join(part.kept)}]"
            for name, part in self.tensors.items()
        ]
        fields += (
            ["    transfer: dict[str, np.ndarray]  # parameters of the transfer functions"]
            if self._defaults("transfer")
            else []
        )
        for kind in self._used():
            fields += [
                f"    {kind.name}: tuple[np.ndarray, ...]  # T, a, b of each population's filter"
            ]
            fields += (
                [f"    {kind.name}_class: tuple[np.ndarray, ...]  # of each distinct filter"]
                if self._needs_classes(kind)
                else []
            )
        lines = [
            "class Coefficients(NamedTuple):",
            '    """What does not depend on the state."""',
            "",
            "    P: int",
            *fields,
            "",
            "",
            "def coefficients(parameters):",
            '    """Collect the parameters into one tensor per term."""',
            "    given = parameters if isinstance(parameters, Mapping) else vars(parameters)",
        ]
        names = [n for n in self.mean_field.parameters if n not in DRIVES]
        lines += [f"    {n} = np.asarray(given[{n!r}], dtype=float)" for n in names]
        sized = next(n for n in names if n != "N")
        lines.append(f"    P = len({sized})")
        for kind in ("transfer", "membrane", "synapse"):
            if self._defaults(kind):
                both = f'{{**DEFAULTS["{kind}"], **given.get("{kind}", {{}})}}'
                lines.append(
                    f"    {kind} = {{n: np.broadcast_to(v, (P,)) for n, v in {both}.items()}}"
                )
        for kind in self._used():
            forms = []
            for k, form in enumerate(kind.forms):
                values = ", ".join(f'{kind.name}["{n}"]' for n in form.parameters)
                forms.append(f"observer(*{kind.name}_{k}({values}), P, {kind.highest})")
            made = (
                forms[0] if len(forms) == 1 else f"select(({', '.join(forms)}), {kind.form_of!r})"
            )
            lines.append(f"    {kind.name} = {made}")
        if any(e.name == "current" for e in self.mean_field.equations):
            kind = self.filters.kinds["synapse"]
            lines.append(
                "    SOURCES = "
                f"{'np.ones((1, P))' if kind.distinct == 1 else f'np.array({kind.membership()!r})'}"
            )
        lines += [
            f"    {name} = {sum_of_products(value, 'pq', 'np')}"
            for name, value in self.mean_field.definitions.items()
        ]
        lines += ["    return Coefficients(", "        P=P,"]
        lines += [
            f"        {name}={product(part.constant).code(part.kept, 'np')},"
            for name, part in self.tensors.items()
        ]
        lines += ["        transfer=transfer,"] if self._defaults("transfer") else []
        for kind in self._used():
            lines.append(f"        {kind.name}={kind.name},")
            if self._needs_classes(kind):
                lines.append(
                    f"        {kind.name}_class=tuple(part[..., {kind.name.upper()}_FIRST] for "
                    f"part in {kind.name}),"
                )
        return [*lines, "    )"]

    def _needs_classes(self, kind) -> bool:
        return any(len(e.indices) > 1 and self._kind(e) is kind for e in self.mean_field.equations)

    # ---- equations

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
        own = "c.transfer[n][which]" if self._defaults("transfer") else "()"
        return [
            "def averages(mu, Delta, c):",
            f'    """{self._what()} of each population."""',
            f"    found = np.zeros(({3 if self.square else 2}, c.P))",
            "    for k, (average, names) in enumerate(zip(AVERAGES, TRANSFER_PARAMETERS, "
            "strict=True)):",
            "        which = np.full(c.P, True) if TRANSFER_OF is None else TRANSFER_OF == k",
            f"        found[:, which] = average(mu[which], Delta[which], *({own} for n in names))",
            "    return found",
        ]

    def _what(self) -> str:
        return (
            "Mean rate, mean gain and second moment of the rate"
            if self.square
            else "Mean rate and mean gain"
        )

    def _rates(self) -> list[str]:
        return [
            "def rates(state, c):",
            '    """Mean rate of each population, shape (P,)."""',
            f"    return averages({self.names['K']}, variance(state, c), c)[0]",
        ]

    def _vector_field(self) -> list[str]:
        lines = [
            "def vector_field(t, y, c, drive):",
            f'    """Time derivative of the flat state y; `drive` is {self._drive_text()}, or a function of time."""',
            "    drive = drive(t) if callable(drive) else drive",
        ]
        if len(self.filters.drives) <= 1:
            lines.append("    drive = np.broadcast_to(np.asarray(drive, dtype=float), (c.P,))")
        else:
            lines.append(
                "    drive = Drive(*(np.broadcast_to(np.asarray(part, dtype=float), (c.P,)) for "
                "part in drive))"
            )
        unpacked = "R, G, C" if self.square else "R, G"
        lines += [
            "    state = unpack(y, c.P)",
            "    Delta = variance(state, c)",
            f"    {unpacked} = averages({self.names['K']}, Delta, c)",
        ]
        lines += self._gathered(*self.mean_field.equations)
        made = [f"        {e.name}={self._change(e)}," for e in self.mean_field.equations]
        return [*lines, "    change = State(", *made, "    )", "    return pack(change)"]

    def _change(self, e: Equation) -> str:
        kind, total, state = self._kind(e), self._sum(e), f"state.{e.name}"
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


def _renamed(f: TransferFunction) -> TransferFunction:
    """The function, its parameters renamed where they would hide something in the module."""
    new = {
        s: sp.Symbol(f"{s}_", **s.assumptions0)
        for s in f.defaults
        if str(s) in {"np", "special", "R", "G", "C", *vars(numpy_helpers)}
    }
    return (
        replace(
            f,
            expression=f.expression.xreplace(new),
            defaults={new.get(s, s): v for s, v in f.defaults.items()},
        )
        if new
        else f
    )


def _values(values: Sequence[sp.Expr]) -> str:
    texts = [repr(float(v)) for v in values]
    return texts[0] if len(set(texts)) == 1 else f"[{', '.join(texts)}]"


def _bracketed(expression: sp.Expr) -> str:
    return f"({numpy_code(expression)})"


def helpers(body: str) -> list[str]:
    """The text of the functions and constants of `numpy_helpers` that a body of code uses, and of those that they use, in their order there."""
    source = inspect.getsource(numpy_helpers)
    functions = {
        n: inspect.getsource(v).rstrip()
        for n, v in vars(numpy_helpers).items()
        if isinstance(v, FunctionType)
    }
    lines = source.splitlines()
    constants = {
        names: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(source).body
        for names in re.findall(r"^([A-Z_]+(?:, [A-Z_]+)*) = ", lines[node.lineno - 1])
    }
    wanted, new = set(), [body]
    while new:
        words = set(re.findall(r"\w+", new.pop()))
        for name, text in {**functions, **constants}.items():
            if name not in wanted and words & set(name.split(", ")):
                wanted.add(name)
                new.append(text)
    needed = [text for names, text in constants.items() if names in wanted]
    return (["\n".join(needed)] if needed else []) + [
        text for name, text in functions.items() if name in wanted
    ]
