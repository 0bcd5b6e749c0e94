"""Specs and parameters with numbers and names that nobody should compute with: one clear line."""

import math

import numpy as np
import pytest

import motifield as mf
from motifield.errors import ArchitectureError, MotifieldError, ParameterError, SpecError

HUGE = "1" * 400
NUMBERS = {"N": "1000", "g": "0.2", "mean": "0.001", "input": "0.5", "noise": "0.0"}
INPUTS = [
    ('{ start = "a" }', "input: a pulse needs .*missing"),
    ('{ start = "a", stop = 1, amplitude = 1 }', "input start = 'a' is not a number"),
    ("{ start = 0, stop = true, amplitude = 1 }", "input stop = true is not a number"),
    ("{ start = 0, stop = inf, amplitude = 1 }", "input stop = inf is not a finite number"),
    ("{ start = 0, stop = 1, amplitude = [1, 2, 3] }", r"input amplitude has shape \(3,\)"),
    ("{ times = [1], values = 5 }", "input values = 5 are no list"),
    ("{ times = [1], values = [] }", r"input values = \[\] are no list"),
    ("{ times = [1], values = { E = 1, I = 2 } }", "input values = .* are no list"),
    ("{ times = 1, values = [1, 2] }", "input times must be finite, one-dimensional"),
    ('{ times = ["1"], values = [1, 2] }', r"input times = \['1'\]: '1' is not a number"),
    ("{ times = [true], values = [1, 2] }", r"input times = \[True\]: true is not a number"),
    ("{ times = [nan], values = [1, 2] }", r"input times\[0\] = nan is not a finite number"),
    ("{ times = [1], values = [1, nan] }", "input values = nan is not a finite number"),
    (f"{{ times = [1], values = [1, {HUGE}] }}", "input values = 1111.* is larger than 1e.50"),
    ("{ times = [1], values = [1, 2], kind = [1] }", r"input kind \[1\] is unknown"),
    ("{ times = [0, 1], signals = { a = { b = 1 } }, weights = { a = 1 } }", "the signal a = "),
    ("{ times = [0, 1], signals = 1, weights = { a = 1 } }", "signals of input map names"),
    ("{ E = true, I = 1 }", "input = .*: true is not a number"),
    ("{ E = [1], I = 1 }", "input = .* is not an array of numbers"),
]


def spec_text(*, populations='["E", "I"]', transfer='"tanh(x)"', more="", **numbers):
    given = "\n".join(f"{name} = {v}" for name, v in (NUMBERS | numbers).items())
    return f"""
[architecture]
populations = {populations}
transfer = {transfer}
{more}
[parameters]
fractions = [0.8, 0.2]
{given}
"""


@pytest.fixture
def load(tmp_path):
    def loaded(text, name="s.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        return mf.load_spec(path)

    return loaded


def test_the_spec_that_others_are_made_of_is_sound(load):
    assert load(spec_text()).numbers().P == 2


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (HUGE, "larger than 1e.50"),
        (f"-{HUGE}", "larger than 1e.50"),
        ("1e300", "larger than 1e.50"),
        ("true", "true is not a number"),
        ('"1"', "'1' is not a number"),
        ("nan", "nan is not a finite number"),
        ("-inf", "-inf is not a finite number"),
        ("1979-05-27", "is not a number"),
        ("[[[[1]]]]", "is not a number|should be"),
        ("[true, 1]", "true is not a number|should be a valid list|is not a number"),
    ],
)
def test_what_is_no_number_is_named_with_its_entry(load, name, value, reason):
    with pytest.raises(SpecError, match=rf"parameters\.{name}.*({reason})") as caught:
        load(spec_text(**{name: value}))
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(("value", "match"), INPUTS)
@pytest.mark.parametrize("name", ["input", "in_strength", "spread"])
def test_tables_of_inputs(load, name, value, match):
    with pytest.raises(ParameterError, match=match.replace("input", name)):
        load(spec_text(**{name: value}))


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ('membrane = { function = "gamma_delay", order = inf }', "from 1 to 20, not inf"),
        ('membrane = { function = "gamma_delay", order = nan }', "from 1 to 20, not nan"),
        ('membrane = { function = "gamma_delay", order = "2" }', "from 1 to 20, not '2'"),
        ("membrane = { function = [] }", r"unknown filter \[\]"),
        ('membrane = { function = "membrane", tau = true }', "tau = true is not a number"),
        ('membrane = { function = "membrane", tau = "1" }', "tau = '1' is not a number"),
        ('membrane = { function = "membrane", tau = 1e300 }', "tau = 1e.300 is larger than 1e.50"),
        (f'membrane = {{ function = "membrane", tau = {HUGE} }}', "tau = 111.* is larger"),
        ('membrane = { function = "membrane", tau = -1 }', "its tau must be positive, not -1"),
        ('membrane = "1/(1 + 10**900*s)"', "a number in .* is larger than 1e.50"),
        ('membrane = { expression = "1/(1 + s)", name = [] }', "name of a filter is a text"),
        ('synapse = [["1"]]', "architecture.synapse.0"),
        ("motifs = [1]", r"architecture.motifs.0"),
        ('motifs = ["chains"]', "unknown motifs"),
    ],
)
def test_filters_and_motifs(load, more, match):
    with pytest.raises(MotifieldError, match=match):
        load(spec_text(more=more))


@pytest.mark.parametrize(
    ("populations", "match"),
    [
        ('["", "I"]', "'' is empty"),
        ('[" ", "I"]', "' ' is empty, or begins or ends with a blank"),
        ('["*", "I"]', r"'\*' has '\*', which has a meaning in names of entries"),
        ('["E,I", "I"]', "has ','"),
        ('["E[1]", "I"]', r"has '\['"),
        (r'["\u0000", "I"]', "characters that cannot be printed"),
        (r'["E\n", "I"]', "ends with a blank"),
        (r'["a\u001bb", "I"]', "characters that cannot be printed"),
        ('["start", "I"]', "'start' is an entry of tables of inputs"),
        ('["E", "times"]', "'times' is an entry"),
        ('["E", "signals"]', "'signals' is an entry"),
        ('["E", "function"]', "'function' is an entry"),
        ('["E", "E"]', "'E' is given twice"),
        (f'["E", "{"x" * 500}"]', "more than 200 characters"),
        ("[]", "there are no population names"),
    ],
)
def test_names_that_no_population_can_have(load, populations, match):
    with pytest.raises(ArchitectureError, match=match):
        load(spec_text(populations=populations))


@pytest.mark.parametrize("name", ["", "*", "E,I", "\0", "start", "times", "signals", "expression"])
def test_the_same_names_are_refused_everywhere(name):
    with pytest.raises(ArchitectureError, match="the population name"):
        mf.Architecture(populations=["E", name])
    with pytest.raises(ParameterError, match="the population name"):
        mf.Parameters.of(populations=["E", name], N=10, fractions=0.5, mean=0, g=0)
    with pytest.raises(ParameterError, match="the population name"):
        mf.Parameters.of(N=10, fractions={"E": 0.5, name: 0.5}, mean=0, g=0)


@pytest.mark.parametrize("names", [["α", "β"], ["L2/3", "PV+"], ["a", "a_a"], ["日本", "x y"]])
def test_names_that_populations_have(names):
    parameters = mf.Parameters.of(populations=names, N=10, fractions=0.5, mean=0, g=0)
    assert mf.Architecture(populations=names).populations == parameters.populations == tuple(names)
    assert mf.scalar(f"mean[{names[0]},{names[1]}]", parameters).get(parameters) == 0


@pytest.mark.parametrize(
    "text",
    [
        '{"t1": 1, "t1": 2}',
        '{"architecture": {}, "architecture": {"transfer": "tanh(x)"}}',
        '{"architecture": {"transfer": "x", "transfer": "tanh(x)"}}',
    ],
)
def test_an_entry_of_a_json_file_stands_there_once(load, text):
    with pytest.raises(SpecError, match=r"the entry '(t1|architecture|transfer)' occurs twice"):
        load(text, "s.json")


def test_a_mark_at_the_beginning_of_a_file_is_no_part_of_it(load):
    assert load("\ufefft1 = 2").t1 == 2
    assert load('\ufeff{"t1": 2}', "s.json").t1 == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"t1": NaN}', "s.json"),
        ('{"t1": 1e999}', "s.json"),
        (f'{{"t1": {"1" * 9000}}}', "s.json"),
        ("[" * 100_000, "s.json"),
        ('{"title": "\\ud800"}', "s.json"),
        ("t1 = " + "1" * 9000, "s.toml"),
        ("a = " + "[" * 10_000, "s.toml"),
        ("[fit]\nseed = " + HUGE, "s.toml"),
        ("[fit]\nstarts = true", "s.toml"),
        ('[fit]\nseed = "1"', "s.toml"),
        ("[fit]\nstarts = 1.0", "s.toml"),
        ('[[fit.unknown]]\nname = "g"\nstart = ["1", 2]', "s.toml"),
        ("[fit.priors.g]\nnormal = [true, 1]", "s.toml"),
    ],
)
def test_files_that_hold_no_spec(load, text, name):
    with pytest.raises(SpecError) as caught:
        load(text, name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


PLAIN = {"N": 10, "fractions": [0.5, 0.5], "mean": 0.0, "g": 0.1}


@pytest.mark.parametrize(
    "changes",
    [
        *({name: v} for name in PLAIN for v in (True, 10**400, 1e300, math.nan)),
        *({name: v} for name in ("fractions", "mean", "g", "noise") for v in ("1", None, {})),
        *({name: [[True, 1], [1, 1]]} for name in ("mean", "g", "tau_inp")),
        *({"input": v} for v in (np.array([True, False]), "1", [["1"]], 1j, [None, 1], 10**400)),
        {"mean": np.array([["0", "0"], ["0", "0"]])},
        {"mean": [[1], [1, 2]]},
        {"fractions": [[0.5], [0.5, 1]], "populations": None},
        {"transfer": {"gain": "1"}},
        {"motifs": mf.Motifs(chain=True)},
        {"N": 1e16},
    ],
    ids=str,
)
def test_parameters_take_numbers_alone(changes):
    with pytest.raises(ParameterError) as caught:
        mf.Parameters.of(**PLAIN | changes)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("tau", ["1", None, {}, [True], [1e300], [[0.1]], math.inf])
def test_motifs_by_population_take_numbers_alone(tau):
    with pytest.raises(ParameterError):
        mf.Motifs.by_population(tau)


@pytest.mark.parametrize("value", ["1", None, {}, "a"])
def test_what_is_replaced_is_numbers(value):
    parameters = mf.Parameters.of(**PLAIN)
    with pytest.raises(ParameterError, match="mean"):
        parameters.replace(mean=value)
    with pytest.raises(ParameterError, match="shared needs a number"):
        mf.Motifs.shared(value)


def test_parameters_that_were_made_too_large_are_not_feasible():
    parameters = mf.Parameters.of(**PLAIN)
    with pytest.raises(ParameterError, match=r"g\[1,1\] = 1e\+300 is larger than 1e\+50"):
        mf.check_feasible(mf.scalar("g", parameters).set(parameters, 1e300))
