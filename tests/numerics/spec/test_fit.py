"""The section [fit] of a spec is what `fit` is given; errors name the entry."""

import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import motifield as mf
from motifield.errors import ParameterError, SpecError
from motifield.numerics.fitting.least_squares import Minima
from motifield.numerics.fitting.minima import Fit
from motifield.numerics.spec.fit import SOLVERS
from motifield.numerics.spec.fitted import save_fitted_spec

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "fits.md"
BASE = """
[architecture]
populations = ["E", "I"]
transfer = { function = "power_law", exponent = 2, gain = 0.5 }
inputs = ["spread"]
closure = "second-moment"
[parameters]
N = 4000
fractions = [0.8, 0.2]
mean = [[0.001, -0.006], [0.0015, 0.0]]
g = 0.1
input = 1.0
spread = 0.3
"""
FIT = """
[fit]
targets = "rates.csv"
starts = 5
seed = 3
stable = false
step = 0.05
solver = "first-order"
free_motifs = ["tau_con[E,E,E]"]
tied_motifs = ["tau_div[*,*,*]"]
[fit.dale]
E = 1
I = -1
[[fit.unknown]]
name = "input[E]"
condition = "gratings"
low = 0
high = 5
start = [1, 2]
prior = { normal = [1.5, 0.5] }
[[fit.unknown]]
names = ["spread[E]", "spread[I]"]
low = 0
[[fit.unknown]]
name = "mean[E,E]"
low = 0.0005
[fit.priors]
"mean[E,I]" = { log-normal = [-0.006, 0.4] }
"g[E,E]" = { normal = [0.1, 0.02] }
"mean[E,E]" = { normal = [0.001, 0.0002] }
[fit.conditions.gratings]
"input[I]" = 1.4
"""
DATA = """quantity,population,condition,value,error
rate_mean,E,spontaneous,1.0,0.1
rate_mean,E,gratings,2.0,0.1
"""


@pytest.fixture
def read(tmp_path):
    (tmp_path / "rates.csv").write_text(DATA)

    def load(text=FIT):
        (tmp_path / "spec.toml").write_text(BASE + text)
        return mf.load_spec(tmp_path / "spec.toml")

    return load


def test_every_entry_reaches_fit(read):
    spec = read()
    given = spec.fit.arguments(spec.numbers())
    unknowns = {own.label: own for own in given["unknowns"]}
    assert list(unknowns) == [
        "mean[E,I]",
        "mean[I,E]",
        "input[E] @ gratings",
        "spread[E] = spread[I]",
        "mean[E,E]",
    ]
    assert unknowns["mean[E,I]"] == mf.fitting.Unknown(
        "mean[E,I]", high=0.0, prior=mf.priors.LogNormal(0.006, 0.4, -1)
    )
    assert unknowns["mean[I,E]"] == mf.fitting.Unknown("mean[I,E]", low=0.0)
    assert unknowns["mean[E,E]"] == mf.fitting.Unknown(
        "mean[E,E]", low=0.0005, prior=mf.priors.Normal(0.001, 0.0002)
    ), "named, so that Dale's law does not name it again"
    assert unknowns["input[E] @ gratings"] == mf.fitting.Unknown(
        "input[E]", "gratings", 0.0, 5.0, mf.priors.Normal(1.5, 0.5), (1.0, 2.0)
    )
    assert given["priors"] == {"g[E,E]": mf.priors.Normal(0.1, 0.02)}
    assert given["motifs"] == mf.fitting.FreeMotifs(("tau_con[E,E,E]",), ("tau_div[*,*,*]",))
    assert given["conditions"] == {"spontaneous": {}, "gratings": {"input[I]": 1.4}}
    assert {name: given[name] for name in ("starts", "seed", "stable", "step")} == {
        "starts": 5,
        "seed": 3,
        "stable": False,
        "step": 0.05,
    }
    assert isinstance(given["solver"], mf.fitting.FirstOrder)
    assert given["targets"].value.tolist() == [1.0, 2.0]


def test_it_makes_a_problem(read):
    """Where a value is not the common one: input[I], and the start of input[E], of gratings."""
    spec = read()
    system = mf.compile(mf.derive(spec.architecture, spec.closure))
    own = spec.fit.arguments(spec.numbers())
    problem = mf.fitting.Problem.of(
        system,
        spec.numbers(),
        **{
            n: own[n]
            for n in ("targets", "unknowns", "motifs", "conditions", "priors", "stable", "step")
        },
    )
    u = problem.coordinates.given()
    assert problem.coordinates.of_condition(u, "gratings").input(0.0).tolist() == pytest.approx(
        [1.0, 1.4]
    )
    assert problem.coordinates.of_condition(u, "spontaneous").input(0.0).tolist() == pytest.approx(
        [1.0, 1.0]
    )
    assert list(problem.coordinates.priors) == [
        "mean[E,I]",
        "input[E] @ gratings",
        "mean[E,E]",
        "g[E,E]",
    ]
    assert (problem.stable, problem.step) == (False, 0.05)


def test_random_starts_follow_the_priors_of_the_table(read):
    """A prior in [fit.priors] is the unknown's: starts of mean[E,I] have median -.006, sd .4."""
    spec = read()
    (own,) = [u for u in spec.fit.unknowns(spec.numbers())[0] if u.label == "mean[E,I]"]
    drawn = np.log(-own.prior.sample(np.random.default_rng(0), 4000))
    assert drawn.mean() == pytest.approx(np.log(0.006), abs=4 * 0.4 / np.sqrt(4000))
    assert drawn.std() == pytest.approx(0.4, rel=0.05)


def test_what_is_left_out_has_the_defaults_of_fit(read):
    spec = read('[fit]\n[[fit.unknown]]\nname = "spread"\n')
    targets = mf.Targets.of(
        [{"quantity": "rate_mean", "population": "E", "value": 1.0, "error": 0.1}]
    )
    given = spec.fit.arguments(spec.numbers(), targets)
    assert given["targets"] is targets
    assert given["conditions"] == {"baseline": {}}
    assert given["unknowns"] == [mf.fitting.Unknown("spread")]
    assert given["motifs"] == mf.fitting.FreeMotifs()
    assert given["solver"] == mf.fitting.LevenbergMarquardt()
    assert (given["starts"], given["seed"], given["stable"], given["step"]) == (32, 0, True, 0.1)
    assert read("").fit is None
    named = read(
        '[fit]\nstable = 0.4\ncorrelated = true\n[[fit.unknown]]\nname = "spread"\n'
    ).fit.arguments(spec.numbers(), targets)
    assert (named["stable"], given["correlated"], named["correlated"]) == (0.4, False, True)


def test_settings_of_the_solver(read):
    spec = read('[fit]\nsteps = 7\n[[fit.unknown]]\nname = "spread"\n')
    assert spec.fit.method() == mf.fitting.LevenbergMarquardt(steps=7)
    quick = read('[fit]\nsolver = "first-order"\nlearning_rate = 0.5\n').fit.method()
    assert quick.settings == mf.fitting.FirstOrder(optax.adam(0.5)).settings


def test_a_mean_of_one_condition_leaves_that_of_all_unknown(read):
    spec = read(
        '[fit]\ntargets = "rates.csv"\ndale = { E = 1, I = -1 }\n'
        '[[fit.unknown]]\nname = "mean[E,E]"\ncondition = "gratings"\nlow = 0\n'
    )
    labels = [own.label for own in spec.fit.arguments(spec.numbers())["unknowns"]]
    assert labels == ["mean[E,E]", "mean[E,I]", "mean[I,E]", "mean[E,E] @ gratings"]


def test_a_fit_of_the_written_spec_starts_from_the_solution(read, tmp_path):
    """Also where a factor of one condition meets settings of the same numbers."""
    conditions = '[fit.conditions.gratings]\n"input[E]" = 1.5\n"factor(input)" = 2.0\n'
    unknowns = {
        "factor": '[[fit.unknown]]\nname = "factor(input)"\ncondition = "gratings"\nlow = 0\n',
        "one": '[[fit.unknown]]\nname = "input[E] @ gratings"\n',
    }
    for name, unknown in unknowns.items():
        spec = read('[fit]\ntargets = "rates.csv"\n' + unknown + conditions)
        system = mf.compile(mf.derive(spec.architecture, spec.closure))

        def problem_of(spec, system=system):
            given = spec.fit.arguments(spec.numbers())
            return mf.fitting.Problem.of(
                system,
                spec.numbers(),
                **{n: given[n] for n in ("targets", "unknowns", "motifs", "conditions", "priors")},
            )

        problem = problem_of(spec)
        u = problem.coordinates.given() + 0.3
        shape = (1, *problem.at_rest().shape)
        fit = Fit(
            problem,
            Minima(
                u[None],
                np.zeros(shape),
                np.zeros(1),
                np.zeros(1, dtype=int),
                np.ones(1, dtype=bool),
            ),
        )
        save_fitted_spec(fit, tmp_path / "spec.toml", tmp_path / f"{name}.toml")
        again = problem_of(mf.load_spec(tmp_path / f"{name}.toml"))
        before, after = (
            p.coordinates.of_condition(jnp.asarray(v), "gratings").input(0.0)
            for p, v in ((problem, u), (again, again.coordinates.given()))
        )
        np.testing.assert_allclose(after, before, rtol=1e-12)
        assert before[0] != pytest.approx(3.0)
        assert before[1] == pytest.approx(2.0 * np.exp(0.3) if name == "factor" else 2.0)


def test_the_section_on_the_page_of_fits(read):
    (block,) = re.findall(r"```toml file=\S+\n(.*?)```", PAGE.read_text(), re.DOTALL)
    section = block[block.index("[fit]") :]
    given = read(section).fit.arguments(read(section).numbers())
    assert [own.label for own in given["unknowns"]] == [
        "mean[E,E]",
        "mean[E,I]",
        "mean[I,E]",
        "input[E] @ gratings",
    ]
    assert given["unknowns"][1].prior == mf.priors.LogNormal(0.004, 0.5, -1)
    assert given["motifs"] == mf.fitting.FreeMotifs.classes("convergent")
    assert (given["starts"], given["conditions"]["gratings"]) == (64, {"input[I]": 1.2})


def test_classes_of_motifs(read):
    """Chains come with the convergence and the divergence that they need."""
    assert read('[fit]\nmotif_classes = ["chain"]\n').fit.motifs() == mf.fitting.FreeMotifs(
        ("tau_con", "tau_div", "tau_chn")
    )


def test_whole_inputs_of_a_condition(read):
    spec = read(
        FIT.replace(
            '"input[I]" = 1.4',
            "input = { times = [0, 1], signals = { image = [0, 2] }, "
            "weights = { image = { E = 1, I = 3 } } }",
        )
    )
    given = spec.fit.arguments(spec.numbers())["conditions"]["gratings"]["input"]
    assert spec.numbers().replace(input=given).input(1.0).tolist() == [2.0, 6.0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("starts = 5", "starts = 0", "fit.starts: Input should be greater than or equal to 1"),
        ("starts = 5", "begins = 5", "fit.begins: unknown entry; there are targets, .*starts"),
        ("step = 0.05", "step = 0", "fit.step: .*greater than 0"),
        ("starts = 5", "steps = 0", "fit.steps: Input should be greater than or equal to 1"),
        (
            'solver = "first-order"',
            "learning_rate = 0.1",
            "fit: the solver 'levenberg-marquardt' has no learning_rate",
        ),
        (
            '"first-order"',
            '"newton"',
            f"fit: the solver 'newton' is unknown: there are {', '.join(SOLVERS)}",
        ),
        (
            'free_motifs = ["tau_con[E,E,E]"]',
            'motif_classes = ["chain"]',
            "fit: give motif_classes, or free_motifs and tied_motifs",
        ),
        (
            'free_motifs = ["tau_con[E,E,E]"]\ntied_motifs = ["tau_div[*,*,*]"]',
            'motif_classes = ["loop"]',
            "no motif 'loop': there are convergent",
        ),
        (
            'name = "input[E]"',
            'name = "input[E]"\nnames = ["input[I]"]',
            "fit.unknown.0: give name, or names",
        ),
        ('name = "input[E]"\n', "", "fit.unknown.0: give name, or names"),
        (
            "high = 5",
            "high = -1",
            r"fit.unknown.0: input\[E\] @ gratings: the bounds 0 and -1 must be increasing",
        ),
        ("start = [1, 2]", "start = [2, 1]", r"fit.unknown.0: .*must be two increasing values"),
        ("start = [1, 2]", "start = [1, 2, 3]", "fit.unknown.0.start"),
        ("normal = [1.5, 0.5]", "normal = [1.5, 0]", "fit.unknown.0.prior: .*sd positive"),
        (
            "normal = [1.5, 0.5]",
            "uniform = [0, 1]",
            "prior.uniform: unknown entry; there is normal",
        ),
        ("{ normal = [1.5, 0.5] }", "{}", r"fit.unknown.0.prior: give normal = \[mean, sd\]"),
        (
            "log-normal = [-0.006, 0.4]",
            "log-normal = [0, 0.4]",
            r"fit.priors.mean.*finite and positive",
        ),
        ('"g[E,E]"', '"input[E] @ gratings"', r"input\[E\] @ gratings has two priors"),
        (
            '"input[I]" = 1.4',
            '"g[E,E]" = [1, 2]',
            r"in conditions.gratings, g\[E,E\] must be a number",
        ),
        ('"input[I]" = 1.4', '"input[I]" = "much"', r"fit.conditions.gratings.input"),
    ],
)
def test_files_that_make_no_sense(read, old, new, message):
    assert old in FIT
    with pytest.raises(SpecError, match=message):
        read(FIT.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("E = 1\nI = -1", "E = 1", ParameterError, "'I' has None"),
        (
            "E = 1\nI = -1",
            "E = 1\nI = -1\nX = 1",
            ParameterError,
            "sign to the population 'X'; the network has E, I",
        ),
        ('targets = "rates.csv"\n', "", SpecError, "there are no targets"),
        (
            "conditions.gratings",
            "conditions.grating",
            SpecError,
            "'grating', of which there are no targets: they are of spontaneous, gratings",
        ),
        ('targets = "rates.csv"\n', 'targets = "lost.csv"\n', ParameterError, "lost.csv"),
    ],
)
def test_sections_that_do_not_fit_the_numbers(read, old, new, error, message):
    assert old in FIT
    spec = read(FIT.replace(old, new))
    with pytest.raises(error, match=message):
        spec.fit.arguments(spec.numbers())
