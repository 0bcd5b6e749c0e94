"""What a fit minimises: every kind of target against other ways to it, derivatives against central
differences, courses against `integrate`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import motifield as mf
from motifield.errors import ArchitectureError, ParameterError
from motifield.numerics.fitting.course import grid
from motifield.numerics.fitting.motif_coordinates import FreeMotifs
from motifield.numerics.fitting.problem import Problem
from motifield.numerics.fitting.unknowns import Unknown

TIMES = (0.7, 3.0)
POPULATIONS = ("E", "I")


def row(quantity, population, condition, value=0.0, error=0.5, **others):
    return {
        "quantity": quantity,
        "population": population,
        "condition": condition,
        "value": value,
        "error": error,
        **others,
    }


@pytest.fixture(scope="module")
def base(of_populations):
    mean, g = [[0.0006, -0.004], [0.0009, -0.003]], [[0.15, 0.3], [0.2, 0.3]]
    motifs = mf.Motifs(convergent=0.004, divergent=0.004, chain=0.001)
    return of_populations("EI", mean=mean, g=g, motifs=motifs, input=[0.9, 0.7], spread=[0.3, 0.2])


@pytest.fixture(scope="module")
def system():
    return mf.compile(
        mf.derive(
            mf.Architecture(
                ["E", "I"], mf.transfer.power_law(exponent=2.0, gain=0.5), inputs=["spread"]
            ),
            mf.SecondMoment(),
        )
    )


@pytest.fixture(scope="module")
def problem(system, base):
    """Every quantity; two stationary conditions, a third with an input made of signals and one with
    a pulse, over time.
    """
    film = mf.inputs.signals(
        [0.0, 1.0, 2.0, 5.0],
        {"ones": 1.0, "light": [0.0, 1.0, 0.5, 0.0]},
        {"ones": [0.9, 0.7], "light": [0.8, 0.3]},
        POPULATIONS,
    )
    rows = [
        row(q, p, c)
        for p in POPULATIONS
        for c in ("dark", "light")
        for q in ("rate_mean", "rate_sd")
    ]
    rows += [row("rate_correlation", p, "light", against="dark") for p in POPULATIONS]
    rows += [
        row("rate_quantile", p, c, level=v)
        for p in POPULATIONS
        for c, v in (("dark", 0.9), ("light", 0.5))
    ]
    rows += [row("rate_change", p, "light", against="dark") for p in POPULATIONS]
    rows += [
        row(q, p, c, time=t)
        for p in POPULATIONS
        for c in ("film", "pulse")
        for t in TIMES
        for q in ("rate_mean", "rate_sd")
    ]
    rows += [
        row("rate_change", "E", "film", against="pulse", time=3.0),
        row("rate_mean", "I", "film"),
        row("rate_mean", "I", "pulse", 0.25, error=np.nan, weight=4.0),
        row("rate_sd", "I", "pulse", 0.25, held_out=True),
    ]
    unknowns = [
        "mean[E,E]",
        "g[E,I]",
        Unknown("spread[E]", low=0),
        "transfer.exponent",
        "input[I] @ light",
        "persistence[E]",
        "input.light[E] @ film",
    ]
    return Problem.of(
        system,
        base,
        mf.Targets.of(rows),
        unknowns,
        motifs=FreeMotifs(("tau_con[E,E,E]", "tau_chn[E,E,*]", "tau_div[E,E,E]", "tau_rec[E,I]")),
        conditions={
            "dark": {},
            "light": {"input[E]": 1.4},
            "film": {"input": film},
            "pulse": {"input": mf.inputs.pulse(0.0, 1.0, 0.5, [0.9, 0.7])},
        },
        priors={"g[E,I]": mf.priors.Normal(0.25, 0.05)},
        step=0.05,
    )


@pytest.fixture(scope="module")
def at(problem):
    """Coordinates near the given ones, what the problem says there, and the parameters of all
    conditions.
    """
    u = jnp.asarray(problem.coordinates.given()) + 0.05 * jnp.asarray(
        np.random.default_rng(0).normal(size=problem.coordinates.size)
    )
    residuals, outcome = problem.compiled(u, problem.at_rest())
    assert np.all(outcome.residuals < 1e-9)
    return (
        u,
        residuals,
        outcome,
        {name: problem.coordinates.of_condition(u, name) for name in problem.conditions},
    )


def values(problem, outcome, **columns):
    keep = problem.targets._matching(columns)
    return np.asarray(outcome.values)[keep]


@pytest.mark.slow
def test_fixed_points_are_those_of_fixed_point(problem, at):
    _, _, outcome, own = at
    for name in ("light",):
        near = problem.models[name].state(outcome.states[problem.conditions.index(name)])
        near = problem.exact.State(*near)  # of the equations with averages by quadrature
        point = mf.fixed_point(problem.exact, own[name], near, settle=0.0)
        np.testing.assert_allclose(
            values(problem, outcome, quantity="rate_mean", condition=name),
            point.dataset["rate"],
            rtol=1e-7,
        )


def test_moments_quantiles_and_changes(problem, at):
    """From mean and variance of the currents at the fixed point, by a sum over a fine grid."""
    _, _, outcome, own = at
    z = np.linspace(-8, 8, 200_001)
    w = norm.pdf(z) / norm.pdf(z).sum()
    for p, name in enumerate(POPULATIONS):
        for condition in ("dark", "light"):
            state = problem.models[condition].state(
                outcome.states[problem.conditions.index(condition)]
            )
            seen = problem.system.module.variance(
                state, problem.system.coefficients(own[condition])
            )
            exponent = float(own[condition].transfer["exponent"][p])
            level = norm.ppf({"dark": 0.9, "light": 0.5}[condition])

            m, sd = float(state.K[p]), float(seen[p]) ** 0.5

            def rates(z, m=m, sd=sd, exponent=exponent):
                return 0.5 * np.maximum(m + sd * z, 0) ** exponent

            mean = w @ rates(z)
            one = {"population": name, "condition": condition}
            assert values(problem, outcome, quantity="rate_sd", **one) == pytest.approx(
                np.sqrt(w @ (rates(z) - mean) ** 2), rel=1e-5
            )
            assert values(problem, outcome, quantity="rate_quantile", **one) == pytest.approx(
                rates(level), rel=1e-9
            )
        means = values(
            problem, outcome, quantity="rate_mean", population=name, condition=["dark", "light"]
        )
        assert values(
            problem, outcome, quantity="rate_change", population=name, condition="light"
        ) == pytest.approx(means[1] - means[0])


def test_a_correlation_that_persistence_lowers(problem, at):
    u, _, outcome, _ = at
    k = problem.coordinates.names.index("persistence[E]")
    found = values(problem, outcome, quantity="rate_correlation")
    less = values(
        problem,
        problem.compiled(u.at[k].add(-2.0), problem.at_rest())[1],
        quantity="rate_correlation",
    )
    assert 0.1 < less[0] < found[0] < 1
    assert 0 < found[1] - less[1] < 0.5 * (found[0] - less[0])  # through the synapses from E alone


@pytest.mark.slow
@pytest.mark.parametrize(("condition", "start"), [("film", 0.0), ("pulse", -1.0)])
def test_courses_are_those_of_integrate(problem, at, condition, start):
    """From the fixed point before the input changes, over its jumps and bends."""
    _, _, outcome, own = at
    held = own[condition].replace(input=mf.inputs.Constant(own[condition].input(-1.0)))
    point = mf.fixed_point(problem.exact, held)
    course = mf.integrate(
        problem.exact, own[condition], 3.0, t0=start, initial=point.state, saveat=[start, *TIMES]
    )
    for p, name in enumerate(POPULATIONS):
        found = values(
            problem, outcome, quantity="rate_mean", population=name, condition=condition, time=TIMES
        )
        np.testing.assert_allclose(found, course["rate"].values[1:, p], rtol=1e-5)
    state = values(
        problem, outcome, quantity="rate_mean", population="I", condition=condition, time=np.nan
    )
    assert state == pytest.approx(point.dataset["rate"].values[1], rel=1e-8)
    change = values(problem, outcome, quantity="rate_change", condition="film")
    both = [
        values(problem, outcome, quantity="rate_mean", population="E", condition=c, time=3.0)
        for c in ("film", "pulse")
    ]
    assert change == pytest.approx(both[0] - both[1])


def test_residuals_are_standardised(problem, at):
    """(value - target) sqrt(weight) / error of what is fitted, in order, then priors, then
    stability; held-out targets are not among them.
    """
    u, residuals, outcome, _ = at
    t = problem.targets
    n = len(t) - 1
    error = np.where(np.arange(n) == n - 1, 0.5, 0.5)  # weight 4 alone is an error of 1/2
    np.testing.assert_allclose(
        residuals[:n], (outcome.values[:n] - t.value[:n]) / error, rtol=1e-12
    )
    g = float(problem.coordinates.values(u)[1])
    assert float(residuals[n]) == pytest.approx((g - 0.25) / 0.05)
    conditions = len(problem.conditions)
    assert len(residuals) == n + 1 + 2 * conditions
    assert np.all(residuals[n + 1 :] == 0)
    assert np.all((outcome.growth > -1) & (outcome.growth < -0.05))
    assert np.all((outcome.radius_square > 0) & (outcome.radius_square < 0.95))


@pytest.mark.slow
def test_the_jacobian_by_central_differences(problem, at):
    u, _, outcome, _ = at
    exact = np.asarray(problem.jacobian(u, outcome.states))
    h = 1e-5
    for k, label in enumerate(problem.coordinates.labels):
        near = [
            np.asarray(problem.compiled(u.at[k].add(sign * h), outcome.states)[0])
            for sign in (1, -1)
        ]
        np.testing.assert_allclose(
            exact[:, k], (near[0] - near[1]) / (2 * h), rtol=2e-5, atol=2e-7, err_msg=label
        )
        assert (
            np.abs(exact[:, k]).max() > 1e-6
            or label.endswith("tau_div[E,E,E]")
            or "tau_rec" in label
        ), label


@pytest.mark.slow
def test_reverse_mode_agrees(problem, at):
    u, residuals, outcome, _ = at
    slope = jax.jit(
        jax.grad(
            lambda u: 0.5 * jnp.sum(problem.residuals(u, outcome.states, reverse=True)[0] ** 2)
        )
    )(u)
    np.testing.assert_allclose(
        slope,
        np.asarray(problem.jacobian(u, outcome.states)).T @ np.asarray(residuals),
        rtol=1e-8,
        atol=1e-8,
    )


def test_no_fixed_point_is_nan(problem, at):
    u, *_ = at
    residuals, outcome = problem.compiled(u.at[0].set(100.0), problem.at_rest())
    assert np.isnan(residuals).all()
    assert np.isnan(problem.predicted(u.at[0].set(100.0), problem.at_rest())).all()
    assert not np.all(outcome.residuals < 1e-9)


def test_derivatives_without_a_fixed_point_are_nan(system_of, one_population):
    """x = 1 + x^2 has no solution, x = .2 + x^2 has x = (1 - sqrt(.2)) / 2."""
    own = Problem.of(
        system_of("Max(x, 0)**2", "MotifOnly"),
        one_population(N=1000, mean=0.001, g=0.0, input=1.0).replace(tau_con=np.zeros((1, 1, 1))),
        mf.Targets.of([row("rate_mean", "E", "baseline", 1.0)]),
        ["input[E]"],
        stable=False,
    )
    given = jnp.asarray(own.coordinates.given())
    assert np.isnan(own.jacobian(given, own.at_rest())).all()
    slope = own.jacobian(given - 0.8, own.at_rest())
    # R = x^2, dx/dI = 1 / (1 - 2 x), over an error of .5
    x = (1 - np.sqrt(0.2)) / 2
    np.testing.assert_allclose(slope, [[2 * x / (1 - 2 * x) / 0.5]], rtol=1e-6)


def test_unstable_bulks_are_penalised(base, system_of):
    """(radius^2 - .95) / .02 beyond a squared radius of .95; not with stable=False."""
    system = system_of("1 + erf(x - 1/2)", "SecondMoment")
    wide = base.replace(
        g=3.0 * jnp.ones((2, 2)),
        mean=jnp.zeros((2, 2)),
        spread=mf.inputs.Constant(jnp.zeros(2)),
        tau_con=0 * base.tau_con,
        tau_div=0 * base.tau_div,
        tau_chn=0 * base.tau_chn,
    )
    targets = mf.Targets.of([row("rate_mean", "E", "baseline", 1.0)])
    own = Problem.of(system, wide, targets, ["input[E]"])
    r, outcome = own.compiled(jnp.asarray(own.coordinates.given()), own.at_rest())
    assert float(outcome.radius_square[0]) > 1
    assert len(r) == 3
    assert float(r[1]) == pytest.approx((float(outcome.radius_square[0]) - 0.95) / 0.02)
    free = Problem.of(system, wide, targets, ["input[E]"], stable=False)
    assert len(jax.eval_shape(free.residuals, jnp.zeros(1))[0]) == 1


def test_states_that_the_equations_make_unstable_are_penalised(system_of, of_populations):
    """d growth = -1 + N mean phi' for dm/dt = -m + N mean phi(m) + I: (growth + .05) / .02 beyond
    -.05, in units of the membrane's time constant.
    """
    system = system_of("1 + erf(x - 1/2)", "MotifOnly")
    targets = mf.Targets.of([row("rate_mean", "E", "baseline", 1.0)])
    for slope, penalty in ((1.2, (0.2 + 0.05) / 0.02), (0.97, (-0.03 + 0.05) / 0.02), (0.9, 0.0)):
        # at m = 1/2 the rate is 1 and phi' is 2/sqrt(pi)
        mean = slope / (1000 * 2 / np.sqrt(np.pi))
        own = of_populations(
            "E",
            mean=mean,
            g=0.0,
            motifs=mf.Motifs(),
            input=0.5 - 1000 * mean,
        )
        problem = Problem.of(system, own, targets, ["input[E]"])
        outcome = problem.outcome(
            jnp.asarray(problem.coordinates.given()), 0.5 + problem.at_rest(), search=None
        )
        assert float(outcome.growth[0]) == pytest.approx(slope - 1)
        r = problem.free_residuals(
            jnp.asarray(problem.coordinates.given()), 0.5 + problem.at_rest()
        )[0]
        assert float(r[2]) == pytest.approx(penalty, abs=1e-9)
    wider = Problem.of(system, own, targets, ["input[E]"], stable=0.4)
    r = wider.free_residuals(jnp.asarray(wider.coordinates.given()), 0.5 + wider.at_rest())[0]
    assert float(r[2]) == pytest.approx((-0.1 + 0.4) / 0.02)
    with pytest.raises(
        ParameterError, match=r"stable = 1.5 must be true, false, or the slowest decay"
    ):
        Problem.of(system, own, targets, ["input[E]"], stable=1.5)


def test_growth_is_in_units_of_the_slowest_decay(of_populations):
    """Without synapses, membranes of time constant 4 decay at 1/4: growth -1, and no penalty."""
    slow = mf.Architecture(["E"], "1 + erf(x - 1/2)", membrane=mf.filters.membrane(4.0))
    own = of_populations("E", mean=0.0, g=0.0, motifs=mf.Motifs(), input=0.5)
    problem = Problem.of(
        mf.compile(mf.derive(slow, mf.MotifOnly())),
        own,
        mf.Targets.of([row("rate_mean", "E", "baseline", 1.0)]),
        ["input[E]"],
    )
    outcome = problem.outcome(jnp.asarray(problem.coordinates.given()))
    assert float(outcome.growth[0]) == pytest.approx(-1.0)


def test_grids_of_time():
    np.testing.assert_allclose(
        grid(0.0, np.array([0.5, 1.0]), 0.25, np.array([0.7, 3.0])), [0, 0.25, 0.5, 0.7, 0.85, 1.0]
    )
    np.testing.assert_allclose(grid(1.0, np.array([1.0]), 0.25, np.zeros(0)), [1, 1.25])
    found = grid(-1e-12, np.array([1.0]), 0.5, np.array([-1e-12, 0.0]))
    assert np.all(np.diff(found) > 0)
    assert 0.0 in found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"conditions": {"other": {}}},
            "targets are of the condition 'dark', but conditions are other: say what "
            "differs in it, or {}",
        ),
        (
            {"targets": [row("rate_mean", "X", "dark")]},
            "targets are of the population 'X'; the network has E, I",
        ),
        (
            {"targets": [row("rate_quantile", "E", "dark", level=0.5, time=1.0)]},
            "is fitted at fixed points, not at times",
        ),
        ({"step": 0.0}, "step = 0.0 must be a positive time"),
        (
            {
                "targets": [
                    row("rate_mean", "E", "dark", held_out=True),
                    row("rate_mean", "I", "dark", np.nan),
                ]
            },
            "nothing is left to fit",
        ),
        (
            {"conditions": {"dark": {"tau_con[E,E,E]": 3.0}}},
            "condition dark: no network has these synaptic statistics",
        ),
        ({"conditions": {"dark": {"g[E,E]": -1.0}}}, "condition dark: g is a standard deviation"),
        (
            {"conditions": {"dark": {"N": -5.0}}},
            "condition dark: N = -5 must be a number of neurons",
        ),
        (
            {"conditions": {"dark": {"input[I]": np.nan}}},
            r"condition dark: input\[I\] = nan is not finite",
        ),
        (
            {"conditions": {"dark": {"noise[E]": 0.3}}},
            "condition dark: the parameters have noise, .* add 'noise' to its inputs",
        ),
        (
            {"unknowns": ["noise[E]"]},
            r"noise\[E\] is unknown, but the architecture has no such input: add 'noise' "
            r"to its inputs",
        ),
    ],
)
def test_refusals(system, base, change, message):
    targets = mf.Targets.of(change.pop("targets", [row("rate_mean", "E", "dark")]))
    with pytest.raises(ParameterError, match=message):
        Problem.of(system, base, targets, change.pop("unknowns", ["input[E]"]), **change)


@pytest.mark.parametrize(
    ("free", "message"),
    [
        ("tau_rec", r"tau_rec\[I,I\] may change, but the architecture has no reciprocal motifs"),
        (
            "tau_chn[E,I,*]",
            r"tau_chn\[E,I,E\], which makes tau_rec\[E,I\] other than 0, may change, but "
            r"the architecture has no reciprocal motifs",
        ),
    ],
)
def test_motifs_that_the_equations_leave_out(base, free, message):
    """Chains E <- I <- E bring reciprocity: without it the equations would be those of other
    networks.
    """
    architecture = mf.Architecture(
        ["E", "I"], "tanh(x)", motifs=["convergent", "divergent", "chain"]
    )
    own = mf.compile(mf.derive(architecture, mf.LowRank()))
    quiet = base.replace(spread=0.0, tau_chn=np.zeros((2, 2, 2)))
    targets = mf.Targets.of([row("rate_mean", "E", "baseline", 0.3)])
    with pytest.raises(ParameterError, match=message):
        Problem.of(own, quiet, targets, motifs=FreeMotifs((free,)))
    Problem.of(own, quiet, targets, motifs=FreeMotifs(("tau_con", "tau_div")))


def test_closures_and_functions_that_cannot_be_fitted(base):
    targets = mf.Targets.of([row("rate_mean", "E", "dark")])
    plain = base.replace(spread=mf.inputs.Constant(jnp.zeros(2)))
    cavity = mf.compile(mf.derive(mf.Architecture(transfer="1 + tanh(x)"), mf.Cavity()))
    with pytest.raises(ArchitectureError):
        Problem.of(cavity, plain, targets, ["input[E]"])
    falling = mf.compile(mf.derive(mf.Architecture(transfer="exp(-x**2)")))
    with pytest.raises(ParameterError, match="does not fall"):
        Problem.of(
            falling,
            plain,
            mf.Targets.of([row("rate_quantile", "E", "dark", level=0.5)]),
            ["input[E]"],
        )
    filtered = mf.compile(
        mf.derive(mf.Architecture(transfer="1 + tanh(x)", membrane="1/(1 + 2*s)"))
    )
    with pytest.raises(
        ParameterError, match="correlations between conditions are here for units dx/dt = -x"
    ):
        Problem.of(
            filtered,
            plain,
            mf.Targets.of([row("rate_correlation", "E", "dark", against="light")]),
            ["input[E]"],
        )
