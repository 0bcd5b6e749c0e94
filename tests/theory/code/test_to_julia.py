"""Exported Julia: it parses, and, written as Python from its syntax tree, computes what the JAX
code does. There is no Julia to run here.
"""

import math
import types

import jax
import numpy as np
import pytest
import scipy.special
import sympy as sp
import tree_sitter
import tree_sitter_julia

import motifield as mf
from motifield.errors import NoClosedFormError
from motifield.theory.code.to_julia import julia_module
from motifield.theory.code.to_numpy import numpy_module
from motifield.theory.expressions.parser import X

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_julia.language()))


def syntax_errors(source):
    """(line, what) of every place that does not parse."""
    found, stack = [], [PARSER.parse(source.encode()).root_node]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            found.append((node.start_point[0] + 1, node.text.decode()[:40]))
        stack.extend(node.children)
    return found


class Array:
    """A NumPy array, or a list, whose places count from 1."""

    def __init__(self, values):
        self.values = values

    @staticmethod
    def places(index):
        index = index if isinstance(index, tuple) else (index,)
        return tuple(k if isinstance(k, slice) else k - 1 for k in index)

    def __getitem__(self, index):
        if isinstance(self.values, list):
            return self.values[index - 1]
        found = self.values[self.places(index)]
        return Array(np.array(found)) if isinstance(found, np.ndarray) else float(found)

    def __setitem__(self, index, value):
        self.values[self.places(index)] = value

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values)


class Tuple(tuple):
    """A tuple whose places count from 1."""

    def __getitem__(self, index):
        return super().__getitem__(index - 1)


def comprehension(rows):
    """A vector of numbers or tuples, or a matrix."""
    flat = rows[0] if rows and isinstance(rows[0], list) else rows
    return (
        Array(np.array(rows, dtype=float))
        if flat and isinstance(flat[0], float | int)
        else Array(list(rows))
    )


def view(a, *index):
    index = tuple(slice(k.start - 1, k.stop - 1) if isinstance(k, range) else k for k in index)
    return Array(a.values[tuple(k if isinstance(k, slice) else k - 1 for k in index)])


def divided(a, b):
    """IEEE division, which Python refuses by zero."""
    with np.errstate(all="ignore"):
        return float(np.float64(a) / np.float64(b))


def power(a, b):
    if a < 0 and b != int(b):
        raise ValueError("DomainError: a negative number to a fractional power")
    with np.errstate(all="ignore"):
        return float(np.float64(a) ** np.float64(b))


def guarded(function):
    """exp and log of Julia: infinite where Python raises."""

    def at(x):
        with np.errstate(all="ignore"):
            return float(function(np.float64(x)))

    return at


def each(x, P):
    return Array(np.full(P, float(x))) if isinstance(x, int | float) else x


def refuse(x):
    raise RuntimeError(x)


BASE = {
    "exp": guarded(np.exp),
    "log": guarded(np.log),
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": math.sqrt,
    "abs": abs,
    "max": max,
    "min": min,
    "sin": math.sin,
    "cos": math.cos,
    "asin": math.asin,
    "tanh": math.tanh,
    "pi": math.pi,
    "Inf": math.inf,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
    "isnan": math.isnan,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "erfcx": scipy.special.erfcx,
    "dawson": scipy.special.dawsn,
    "length": len,
    "size": lambda a, k: a.values.shape[k - 1],
    "zeros": lambda n: Array(np.zeros(n)),
    "reshape": lambda a, *shape: Array(a.values.reshape(shape, order="F")),
    "view": view,
    "maximum": max,
    "minimum": min,
    "push_": lambda a, v: a.values.append(v),
    "sort": lambda a: Array(sorted(a.values)),
    "unique": lambda a: Array(list(dict.fromkeys(a.values))),
    "filter": lambda f, a: Array([v for v in a.values if f(v)]),
    "error": refuse,
    "nothing": None,
    "each": each,
    "at_time": lambda x, t: x(t) if callable(x) else x,
    "Array": Array,
    "Tuple": Tuple,
    "comprehension": comprehension,
    "divided": divided,
    "power": power,
    "NamedTuple": types.SimpleNamespace,
    "true": True,
    "false": False,
}


class Python:
    """Python text from the syntax tree of the Julia that is exported."""

    OPERATORS = {"&&": "and", "||": "or"}  # noqa: RUF012

    def __call__(self, node):
        return getattr(self, node.type)(node)

    def plain(self, node):
        return node.text.decode().replace("!", "_").replace("lambda", "lambda_")

    identifier = integer_literal = float_literal = boolean_literal = plain

    def parts(self, node):
        return [
            child for child in node.named_children if child.type not in ("line_comment", "operator")
        ]

    def lines(self, nodes):
        nodes = [n for n in nodes if n.type != "line_comment"]
        return [line for n in nodes for line in self(n).splitlines()] or ["pass"]

    def block(self, nodes):
        return "\n".join("    " + line for line in self.lines(nodes))

    def source_file(self, node):
        return "\n".join(
            self.lines(
                n
                for n in node.named_children
                if n.type != "using_statement" and not n.text.startswith((b"each(", b"at_time("))
            )
        )

    def const_statement(self, node):
        return self(node.named_children[0])

    def function_definition(self, node):
        signature, *body = node.named_children
        call = signature.named_children[0]
        arguments = call.named_children[1]
        positional, named = [], []
        for child in arguments.named_children:
            (
                named
                if child.type in ("named_argument", "named_field")
                or b";" in arguments.text[: child.start_byte - arguments.start_byte]
                else positional
            ).append(child)
        texts = [self(c) for c in positional] + (
            ["*", *(self(c).replace(" = ", "=") for c in named)] if named else []
        )
        return f"def {self(call.named_children[0])}({', '.join(texts)}):\n{self.block(body)}"

    def named_field(self, node):
        name, value = self.parts(node)
        return f"{self(name)}={self(value)}"

    named_argument = named_field

    def assignment(self, node):
        left, right = self.parts(node)
        return f"{self(left)} = {self(right)}"

    def open_tuple(self, node):
        return ", ".join(self(c) for c in self.parts(node))

    def tuple_expression(self, node):
        parts = self.parts(node)
        if parts[0].type == "named_field":
            return f"NamedTuple({', '.join(map(self, parts))})"
        return f"Tuple(({', '.join(map(self, parts))},))"

    def vector_expression(self, node):
        return f"Array([{', '.join(map(self, self.parts(node)))}])"

    def parenthesized_expression(self, node):
        return f"({self(self.parts(node)[0])})"

    def index_expression(self, node):
        array, index = node.named_children
        return f"{self(array)}[{', '.join(self.index(c) for c in index.named_children)}]"

    def index(self, node):
        return "slice(None)" if node.type == "operator" else self(node)

    def field_expression(self, node):
        return ".".join(self(c) for c in node.named_children)

    def call_expression(self, node):
        function, arguments = node.named_children
        if function.type == "operator":  # !(a > 0), -(a + b)
            sign = "not " if function.text == b"!" else function.text.decode()
            return f"({sign}({self(arguments.named_children[0])}))"
        inner = [None if c.type == "for_clause" else self(c) for c in arguments.named_children]
        if None in inner:
            return f"{self(function)}({inner[0]} {self.loops(arguments)})"
        return f"{self(function)}({', '.join(inner)})"

    def operator(self, node):
        return "slice(None)"

    def loops(self, node):
        clauses = [c for c in node.named_children if c.type == "for_clause"]
        tests = [c for c in node.named_children if c.type == "if_clause"]
        bindings = [b for clause in clauses for b in clause.named_children]
        return " ".join(
            [
                *(f"for {self.binding(b)}" for b in bindings),
                *(f"if {self(c.named_children[0])}" for c in tests),
            ]
        )

    def binding(self, node):
        name, values = self.parts(node)
        return f"{self(name)} in {self(values)}"

    def comprehension_expression(self, node):
        body, bindings = (
            self(node.named_children[0]),
            [b for c in node.named_children if c.type == "for_clause" for b in c.named_children],
        )
        if len(bindings) == 2:
            first, second = map(self.binding, bindings)
            return f"comprehension([[{body} for {second}] for {first}])"
        return f"comprehension([{body} {self.loops(node)}])"

    def range_expression(self, node):
        low, high = self.parts(node)
        return f"range({self(low)}, {self(high)} + 1)"

    def binary_expression(self, node):
        left, operator, right = node.named_children
        sign = operator.text.decode()
        if sign in "/^":
            return f"{'divided' if sign == '/' else 'power'}({self(left)}, {self(right)})"
        return f"({self(left)} {self.OPERATORS.get(sign, sign)} {self(right)})"

    def unary_expression(self, node):
        operator, inner = node.named_children
        return (
            f"(not {self(inner)})"
            if operator.text == b"!"
            else f"({operator.text.decode()}{self(inner)})"
        )

    def ternary_expression(self, node):
        test, yes, no = self.parts(node)
        return f"({self(yes)} if {self(test)} else {self(no)})"

    def arrow_function_expression(self, node):
        name, body = self.parts(node)
        return f"(lambda {self(name)}: {self(body)})"

    def string_literal(self, node):
        return repr(node.text.decode())

    def return_statement(self, node):
        (value,) = node.named_children
        return (
            f"return Tuple(({self(value)},))"
            if value.type == "open_tuple"
            else f"return {self(value)}"
        )

    def for_statement(self, node):
        bindings, body = (
            [c for c in node.named_children if c.type == "for_binding"],
            [c for c in node.named_children if c.type != "for_binding"],
        )
        text = self.block(body)
        for b in reversed(bindings):
            text = f"for {self.binding(b)}:\n{text}"
            text = (
                text if b is bindings[0] else "\n".join("    " + line for line in text.splitlines())
            )
        return text

    def if_statement(self, node):
        test, *rest = node.named_children
        clauses = [c for c in rest if c.type in ("elseif_clause", "else_clause")]
        text = f"if {self(test)}:\n{self.block(c for c in rest if c not in clauses)}"
        for c in clauses:
            inner = list(c.named_children)
            head = f"elif {self(inner.pop(0))}" if c.type == "elseif_clause" else "else"
            text += f"\n{head}:\n{self.block(inner)}"
        return text


def run(source):
    """The functions of exported Julia, in Python."""
    scope = dict(BASE)
    exec(compile(Python()(PARSER.parse(source.encode()).root_node), "julia", "exec"), scope)
    return scope


def plain(state):
    """The states as NumPy arrays."""
    return types.SimpleNamespace(**{name: array.values for name, array in vars(state).items()})


def test_the_julia_code_is_the_jax_code(exported, scalars):
    mean_field = exported
    source = julia_module(mean_field)
    assert syntax_errors(source) == []
    scope, numbers = run(source), scalars(mean_field)
    given = {
        n: getattr(numbers.parameters, n)
        for n in mean_field.parameters
        if hasattr(numbers.parameters, n)
    }
    families = {
        f"{k}_{n}": v
        for k in ("transfer", "membrane", "synapse")
        for n, v in getattr(numbers.parameters, k).items()
    }
    drives = (
        numbers.drive._asdict() if hasattr(numbers.drive, "_asdict") else {"mean": numbers.drive}
    )
    drives["drive"] = drives.pop("mean")
    values = {
        n: float(v) if np.ndim(v) == 0 else Array(np.array(v))
        for n, v in {**given, **families, **drives}.items()
    }
    c = scope["parameters"](**values)
    u, du = scope["rest"](2), scope["rest"](2)
    state, change = scope["states"](u, 2), scope["states"](du, 2)
    numbers.fill(mean_field, plain(state))
    scope["f_"](du, u, c, 0.0)
    found = {
        name: array[index] / scale
        for name, (array, index, scale) in numbers.places(mean_field, plain(change)).items()
    }
    wanted = numbers.rates()
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name


AVERAGES = {
    "naka_rushton": mf.transfer.naka_rushton(exponent=2),
    "power_law with a vertical slope": mf.transfer.power_law(exponent=0.5),
    "softplus": mf.transfer.softplus(gain=4),
    "step": mf.transfer.of("Heaviside(x - 1/4)"),
    "bump": mf.transfer.of("exp(-(x - 1)**2/2)*Heaviside(x)"),
    "two normal CDFs": mf.transfer.of("Phi(2*x - 1)*Phi(x)"),
    "gated": mf.transfer.of("Max(x, 0)*Phi(x)"),
}


@pytest.mark.parametrize("name", AVERAGES)
def test_averages(name):
    """Against the exported NumPy code, which is compared with JAX in test_exports.py."""
    f = AVERAGES[name]
    mean_field = mf.derive(mf.Architecture(["E"], f), mf.SecondMoment())
    source = julia_module(mean_field)
    assert syntax_errors(source) == []
    scope = run(source)
    (function,) = [v for n, v in scope.items() if n.endswith("_averages")]
    module = types.ModuleType("numpy_export")
    exec(numpy_module(mean_field), module.__dict__)
    for mu, Delta in ((0.3, 0.0), (0.3, 0.7), (-1.0, 400.0)):
        values = [float(v) for v in f.defaults.values()]
        found = function(mu, Delta, *values)
        wanted = module.AVERAGES[0](
            np.array([mu]), np.array([Delta]), *(np.array([v]) for v in values)
        )[:, 0]
        np.testing.assert_allclose(found, wanted, rtol=2e-9, atol=1e-12)


def test_siegert_rate():
    """At one place, and its slope: the average takes Python too long."""
    f = mf.transfer.siegert(tau_m=2, tau_ref=0.2, V_th=2, V_r=1, sigma=0.7)
    scope = run(julia_module(mf.derive(mf.Architecture(["E"], f))))
    values = [float(v) for v in f.defaults.values()]
    for x in (-1.0, 1.5, 3.0):
        found = scope["phi_siegert_averages"](x, 0.0, *values)
        wanted = (
            float(f.with_defaults.subs(X, sp.Rational(x))),
            float(f.with_defaults.diff(X).subs(X, sp.Rational(x))),
        )
        np.testing.assert_allclose(list(found)[:2], wanted, rtol=1e-12)


def test_any_number_of_populations():
    source = julia_module(mf.derive(mf.Architecture(None, "tanh")))
    assert source.replace("any number of populations", "populations a, b") == julia_module(
        mf.derive(mf.Architecture(["a", "b"], "tanh"))
    )


def test_code_is_refused():
    with pytest.raises(
        NoClosedFormError,
        match="a Julia file cannot have the transfer function relu, which is JAX code",
    ):
        julia_module(mf.derive(mf.Architecture(transfer=mf.transfer.jax_function(jax.nn.relu))))
