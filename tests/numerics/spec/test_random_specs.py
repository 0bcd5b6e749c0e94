"""Random specs: drawn from their schema with hostile entries, and worked ones with tokens changed.

Whatever a file says, reading it and deriving its equations gives a result or a `MotifieldError`, in
a few seconds of processor time.
"""

import json
import random
import re
import signal
import types
import typing
from collections import Counter
from pathlib import Path

import hypothesis.strategies as st
import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel

import motifield as mf
from motifield.errors import MotifieldError
from motifield.numerics.spec.spec import FileSpec

ROOT = Path(__file__).parents[3]
LIMIT = 5.0  # seconds of processor time for one spec
EVERY = 8  # one of as many systems that are derived is compiled

HOSTILE = [
    *(0, -1, 1e300, -1e300, 1e-300, 10**400, -(10**400), 1e50, 2**63, 0.1),
    *(float("nan"), float("inf"), -float("inf"), True, False, "1", "", "nan", [], {}, [[]]),
    *([1, 2, 3], [[1, 2], [3]], {"start": "a"}, {"times": [1], "values": 5}, {"function": []}),
    *({"times": [1], "values": []}, {"E": 1}, {"E": {"I": 1}}, [True], ["1"], "x" * 300),
    {"start": 0, "stop": 1, "amplitude": [1, "b"]},
    {"times": [0, 1], "signals": {"a": [1, 2]}, "weights": {"a": {"E": 1, "I": True}}},
]
NAMES = [
    *("E", "I", "a", "a_a", "α", "日本", "", "*", "E,I", "\0", "start", "times", "signals", "x y"),
    *("{", "$", "%", "\\", "_", "mean[E,I]", "factor(motifs)", "😀", "\u202e", "None", "1"),
]
LEAVES = [
    *("x", "s", "x", "1", "0", "2.5", "-3", "1/3", "10**60", "1e308", "1e-300", "pi", "y", "k"),
    *("tau", "x**x", "9" * 45, "0.1"),
]
CALLS = [
    *("exp", "log", "sqrt", "erf", "erfc", "sin", "tan", "tanh", "cosh", "atan", "Abs", "sign"),
    *("Heaviside", "Phi", "phi", "Rational", "gamma"),
]


def texts(max_leaves):
    """Expressions, most of which are well formed."""

    def larger(inner):
        return st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner).map(
                lambda parts: f"({parts[0]}){parts[1]}({parts[2]})"
            ),
            st.tuples(st.sampled_from(CALLS), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
            st.tuples(st.sampled_from(["Max", "Min"]), inner, inner).map(
                lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"
            ),
            st.tuples(inner, inner, inner).map(
                lambda parts: f"Piecewise(({parts[0]}, {parts[1]} > 0), ({parts[2]}, True))"
            ),
        )

    return st.recursive(st.sampled_from(LEAVES), larger, max_leaves=max_leaves)


EXPRESSIONS = st.one_of(
    texts(8), st.sampled_from(["tanh(x)", "softplus", "power_law", "1/(1 + s)", "siegert"])
)
SCALARS = st.one_of(
    st.floats(-3, 3, allow_nan=False), st.integers(-3, 300), st.sampled_from(HOSTILE)
)
WORDS = st.one_of(
    st.sampled_from(NAMES),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    EXPRESSIONS,
)
TABLES = st.dictionaries(
    st.sampled_from(["function", "expression", "name", "positive", "k", "gain", "tau", "order"]),
    st.one_of(EXPRESSIONS, SCALARS, st.sampled_from(["membrane", "adapting", "gamma_delay"])),
    max_size=3,
)
ANYTHING = st.one_of(SCALARS, WORDS, TABLES, st.lists(SCALARS, max_size=3))
CHOICES = {
    "closure": st.sampled_from(["motif-only", "low-rank", "second-moment", "cavity", "x"]),
    "motifs": st.lists(st.sampled_from(["convergent", "divergent", "chain", "x"]), max_size=4),
    "inputs": st.lists(st.sampled_from(["spread", "noise", "in-strength", "x"]), max_size=3),
    "transfer": st.one_of(EXPRESSIONS, TABLES, st.dictionaries(st.sampled_from("EI"), EXPRESSIONS)),
    "membrane": st.one_of(EXPRESSIONS, TABLES),
    "synapse": st.one_of(EXPRESSIONS, TABLES),
    "populations": st.lists(st.sampled_from(NAMES), max_size=3),
}


def entries(annotation, name=""):
    """What an entry of this type may hold; sometimes something else."""
    own = CHOICES.get(name)
    if own is None:
        return _of(annotation)
    return st.one_of(own, _of(annotation), st.sampled_from(HOSTILE))


def _of(annotation):
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _of(parts[0])
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(_of(part) for part in parts if part is not type(None)))
    if origin is list:
        return st.lists(_of(parts[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(WORDS, _of(parts[1]), max_size=2)
    if origin is tuple:
        return st.tuples(*map(_of, parts)).map(list)
    if origin is typing.Literal:
        return st.one_of(st.sampled_from(parts), SCALARS)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {
            field.alias or name: entries(field.annotation, name)
            for name, field in annotation.model_fields.items()
        }
        return st.fixed_dictionaries({}, optional=fields)
    if annotation in (int, float, bool):
        return SCALARS
    return WORDS if annotation is str else ANYTHING


SOUND = {
    "architecture": {"populations": ["E", "I"], "transfer": "Max(x, 0)"},
    "parameters": {
        "N": 100,
        "fractions": [0.5, 0.5],
        "mean": {"E": {"E": 0.01, "I": -0.02}, "I": 0.0},
        "g": 0.2,
        "motifs": {"shared": 0.05},
        "input": 0.5,
    },
}
SECTIONS = {
    name: next(
        part
        for part in (field.annotation, *typing.get_args(field.annotation))
        if isinstance(part, type) and issubclass(part, BaseModel)
    )
    for name, field in FileSpec.model_fields.items()
    if name in ("architecture", "parameters", "fit")
}


@st.composite
def sound_but_for_a_few(draw):
    """A spec of which one to three entries are drawn."""
    data = json.loads(json.dumps(SOUND))
    for _ in range(draw(st.integers(1, 3))):
        section = draw(st.sampled_from(list(SECTIONS)))
        fields = SECTIONS[section].model_fields
        name = draw(st.sampled_from(list(fields)))
        value = draw(st.one_of(entries(fields[name].annotation, name), ANYTHING))
        data.setdefault(section, {})[fields[name].alias or name] = value
    return data


@st.composite
def sound_but_for_functions(draw):
    """A spec whose transfer function or filter is drawn."""
    data = json.loads(json.dumps(SOUND))
    name = draw(st.sampled_from(["transfer", "transfer", "membrane", "synapse"]))
    variable = "x" if name == "transfer" else "s"
    formula = draw(texts(12)).replace("x" if variable == "s" else "s", variable)
    used = {n: draw(SCALARS) for n in ("k", "tau", "y") if re.search(rf"\b{n}\b", formula)}
    data["architecture"][name] = {"expression": formula, **used} if used else formula
    data["architecture"]["closure"] = draw(CHOICES["closure"])
    return data


SPECS = st.one_of(
    sound_but_for_a_few(), sound_but_for_functions(), sound_but_for_functions(), entries(FileSpec)
)


class Tried:
    """How specs ended, and how long they may take."""

    def __init__(self, folder):
        self.folder, self.ends = folder, Counter()

    def file(self, text, suffix):
        path = self.folder / f"s{suffix}"
        path.write_text(text, encoding="utf-8")
        return path

    def __call__(self, path, derive=True):
        def too_long(*_):
            raise TimeoutError(f"it takes more than {LIMIT:g} s of processor time")

        before = signal.signal(signal.SIGVTALRM, too_long)
        signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
        try:
            self.ends[self.end_of(path, derive)] += 1
        except MotifieldError as error:
            self.ends[type(error).__name__ if str(error) else "silent"] += 1
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)

    def end_of(self, path, derive):
        spec = mf.load_spec(path)
        assert repr(spec)
        if spec.fit is not None and spec.parameters is not None:
            spec.fit.unknowns(spec.parameters)
            spec.fit.method()
            spec.fit.motifs()
        if not derive:
            return "read"
        equations = mf.derive(spec.architecture, spec.closure)
        if spec.parameters is None or self.ends["derived"] < EVERY * (1 + self.ends["compiled"]):
            return "derived"
        mf.compile(equations).complete(spec.parameters)
        return "compiled"

    def report(self, capsys, what):
        total = sum(self.ends.values())
        assert not self.ends["silent"], "an error says something"
        with capsys.disabled():
            print(f"\n{total} {what}: " + ", ".join(f"{n} {k}" for k, n in self.ends.most_common()))
        return total


def drawn_specs(tried, count, *, derandomize):
    @given(data=SPECS, as_json=st.booleans(), derive=st.integers(0, 3))
    @settings(
        max_examples=count,
        deadline=None,
        derandomize=derandomize,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def one(data, as_json, derive):
        text = json.dumps(data) if as_json else tomli_w.dumps(data)
        tried(tried.file(text, ".json" if as_json else ".toml"), derive == 0)

    one()


TOKEN = re.compile(r'"[^"\n]*"|[A-Za-z_][\w-]*|\d[\d.eE+-]*|\S|\s+')
NUMERALS = ["0", "1", "-1", "0.5", "1e-300", "1e49", "3", "-0.0", "100", "1e16", "2.5e-3"]
STRANGE = [
    *("1" * 400, "1e300", "nan", "inf", "true", '"1"', '""', "[]", "{}", "[[]]", "0", "-1", "="),
    *('"x"', '"E,I"', '"start"', '"α"', '"10**1000"', '"Max(log(x), 0)"', '"exp(x*10**50)"'),
    *('"2**exp((x**x)**(x/0.5))"', '{ start = "a" }', "{ times = [1], values = 5 }", "1979-05-27"),
    *(
        '"\\u0000"',
        '"1/(1 + s)**30"',
        '"1/s"',
        "'''",
        "[fit]",
        "[parameters]",
        "#",
        "\ufeff",
        "\x07",
    ),
]


def changed(text, rng):
    """A text with one to three tokens or lines changed."""
    for _ in range(rng.randint(1, 3)):
        lines = text.splitlines(keepends=True)
        k = rng.randrange(len(lines))
        kind = rng.randrange(6)
        if kind == 0:
            del lines[k]
        elif kind == 1:
            lines.insert(rng.randrange(len(lines)), lines[k])
        else:
            there = [n for n, line in enumerate(lines) if not line.startswith("#")]
            k = rng.choice(there or [k])
            tokens = TOKEN.findall(lines[k])
            spots = [n for n, t in enumerate(tokens) if not t.isspace()]
            numbers = [n for n in spots if tokens[n][0].isdigit()]
            spot = rng.choice((numbers if kind < 4 else spots) or spots or [0])
            alike = [*NUMERALS, *STRANGE[:5]] if spot in numbers else [rng.choice(tokens)]
            if tokens[spot].startswith('"'):
                alike = [t for t in STRANGE if t.startswith('"')]
            tokens[spot : spot + 1] = [
                rng.choice([*STRANGE, rng.choice(tokens)] if kind == 5 else alike)
            ]
            lines[k] = "".join(tokens)
        text = "".join(lines) or "\n"
    return text


def changed_specs(tried, seeds):
    texts = [path.read_text() for path in sorted(ROOT.glob("derivations/*/spec*.toml"))]
    for seed in seeds:
        rng = random.Random(seed)
        text = changed(rng.choice(texts), rng)
        try:
            tried(tried.file(text, ".toml"), derive=rng.randrange(4) == 0)
        except Exception as error:
            error.add_note(f"seed {seed}:\n{text}")
            raise


def test_specs_drawn_from_their_schema(tmp_path, capsys):
    tried = Tried(tmp_path)
    drawn_specs(tried, 300, derandomize=True)
    assert tried.report(capsys, "specs from their schema") >= 250
    assert tried.ends["read"] + tried.ends["derived"] + tried.ends["compiled"] >= 5


def test_worked_specs_with_tokens_changed(tmp_path, capsys):
    tried = Tried(tmp_path)
    changed_specs(tried, range(200))
    assert tried.report(capsys, "worked specs with tokens changed") == 200
    assert tried.ends["read"] + tried.ends["derived"] + tried.ends["compiled"] >= 15


@pytest.mark.slow
def test_twenty_thousand_specs(tmp_path, capsys):
    tried = Tried(tmp_path)
    drawn_specs(tried, 12_000, derandomize=False)
    changed_specs(tried, range(1000, 9000))
    assert tried.report(capsys, "random specs") >= 19_000
