"""Networks with fitted statistics: they confirm equations that are exact, and notice synapses that
are not the fitted ones.
"""

from dataclasses import replace
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import InfeasibleStatisticsError, ParameterError, SolverError
from motifield.numerics.fitting.least_squares import Minima
from motifield.numerics.fitting.minima import Fit
from motifield.numerics.inference.confirmation import Confirmation, confirm
from motifield.numerics.inference.protocol import Later, Protocol, scaled
from motifield.numerics.inference.readings import readings
from motifield.numerics.parameters import residual_moments
from motifield.numerics.results import Code
from motifield.numerics.sampling.samplers import Gaussian

PULSE = mf.inputs.pulse(0.3, 1.3, 1.0, 1.0)
TIMES = (0.8, 1.3, 3.0)


class Altered(Gaussian):
    """Networks whose mean synapses are 20 % too strong."""

    def draw(self, parameters, seed, dtype, say):
        return super().draw(parameters.replace(mean=1.2 * parameters.mean), seed, dtype, say)


def row(quantity, condition, **others):
    return {
        "quantity": quantity,
        "population": "E",
        "condition": condition,
        "value": 0.5,
        "error": 0.05,
        **others,
    }


@pytest.fixture(scope="module")
def problem(of_populations):
    """One population with convergent motifs and inhibition, at the parameters as they are: the
    equations are exact at fixed points (B = 0).
    """
    system = mf.compile(
        mf.derive(
            mf.Architecture(
                ["E"], mf.transfer.power_law(exponent=2.0, gain=0.5), inputs=["spread"]
            ),
            closure=mf.SecondMoment(),
        )
    )
    base = of_populations(
        "E", 4000, mean=-0.0005, g=0.3, motifs=mf.Motifs(convergent=0.0005), input=1.0, spread=0.4
    )
    rows = [row(quantity, name) for name in ("a", "b") for quantity in ("rate_mean", "rate_sd")]
    rows += [
        row("rate_quantile", "b", level=0.8),
        row("rate_correlation", "b", against="a"),
        row("rate_change", "b", against="a", held_out=True),
    ]
    rows += [row("rate_mean", "pulse", time=t) for t in TIMES]
    unknowns = [
        mf.fitting.Unknown("input[E] @ b", low=0),
        mf.fitting.Unknown("persistence", low=0.0, high=1.0),
    ]
    return mf.fitting.Problem.of(
        system,
        base,
        mf.Targets.of(rows),
        unknowns,
        conditions={"a": {}, "b": {"input[E]": 1.6}, "pulse": {"input": PULSE}},
    )


def fit_at(problem, states, loss):
    """With a persistence of one half."""
    u = jnp.asarray(problem.coordinates.given()).at[1].set(0.0)
    return Fit(problem, Minima(*(np.asarray(v)[None] for v in (u, states, loss, 1, True))))


@pytest.fixture(scope="module")
def unsolved(problem):
    """A fit of these values whose equations were not solved: for what does not ask for their
    solution.
    """
    return fit_at(problem, problem.at_rest(), 0.0)


@pytest.fixture(scope="module")
def fitted(problem):
    u = jnp.asarray(problem.coordinates.given()).at[1].set(0.0)
    residuals, outcome = problem.compiled(u, problem.at_rest())
    return fit_at(problem, outcome.states, jnp.sum(residuals**2))


class Counted(Gaussian):
    """Remembers the networks that it draws."""

    drawn: ClassVar[list[int]] = []

    def draw(self, parameters, seed, dtype, say):
        self.drawn.append(seed)
        return super().draw(parameters, seed, dtype, say)


@pytest.fixture(scope="module")
def confirmed(fitted):
    return confirm(fitted, networks=6, N=1000, sampler=Counted())


@pytest.mark.slow
def test_networks_confirm_equations_that_are_exact(confirmed, fitted):
    """Means, spreads, quantiles, correlations with half of the offsets' variance new in each
    condition, changes and time courses; held out too.
    """
    assert confirmed.passed, confirmed.criterion
    assert confirmed.status == "ok"
    rows = {own["target"]: own for own in confirmed.rows()}
    assert len(rows) == 10
    assert sum(own["held out"] for own in rows.values()) == 1
    # a persistence of 1 would make this correlation larger by twenty standard errors
    correlation = rows["rate_correlation E b-a"]
    assert 0.4 < correlation["networks"] < 0.75
    assert abs(correlation["z"]) < 4
    assert correlation["standard error"] < 0.03
    # the same statistics at another N: equations differ by the share of variance that is
    # convergent alone
    np.testing.assert_allclose(
        [own["theory"] for own in rows.values()], [own["fit"] for own in rows.values()], rtol=2e-2
    )
    assert not np.allclose(
        [own["theory"] for own in rows.values()], [own["fit"] for own in rows.values()], rtol=1e-9
    )
    assert confirmed.json()["passed"] is True
    assert confirmed.dataset["sample"].shape == (6, 10)


@pytest.mark.slow
def test_networks_notice_synapses_that_are_a_fifth_too_strong(fitted, confirmed):
    problem = fitted.problem
    conditions = {name: scaled(fitted.parameters(name), 1000) for name in problem.conditions}
    protocol = Protocol(
        problem.exact,
        conditions,
        problem.starts,
        problem.times,
        np.array([0.5]),
        60.0,
        dict.fromkeys(conditions, 1.0),
    )
    samples = [
        readings(problem.targets, protocol, protocol.run(k, 0, Altered(), np.float32))
        for k in range(3)
    ]
    found = replace(confirmed, samples=np.array(samples))
    assert not found.passed
    means = [own["z"] for own in found.rows() if own["target"].startswith("rate_mean")]
    assert min(means) > 3  # more inhibition, smaller rates


@pytest.mark.slow
def test_conditions_share_a_network(confirmed):
    assert len(Counted.drawn) == len(set(Counted.drawn)) == len(confirmed.samples)


@pytest.mark.slow
def test_a_tolerance_in_errors_of_the_targets(confirmed):
    shifted = replace(confirmed, theory=confirmed.theory + 0.04)
    assert not shifted.passed
    assert replace(shifted, tolerance=1.5).passed
    assert "or 1.5 of the target's error" in replace(shifted, tolerance=1.5).criterion


def test_verdict_by_students_distribution(unsolved):
    """Ten targets, three networks: samples with mean m and standard deviation 1 have a standard
    error of 1 / sqrt(3).
    """
    samples = np.tile(np.array([[-1.0], [0.0], [1.0]]), (1, 10))
    own = Confirmation(unsolved, 1000, samples, np.full(10, 2.0), 0.0, 0.0)
    np.testing.assert_allclose(own.z, 2 * np.sqrt(3))
    # P(t_2 > 60.8) = .00135 / 10: for t_2, sf(t) = 1/2 - t / (2 sqrt(2 + t^2))
    t = own.threshold
    assert 0.5 - t / (2 * np.sqrt(2 + t**2)) == pytest.approx(1.349898e-3 / 10, rel=1e-5)
    assert own.passed
    assert not replace(own, theory=np.full(10, t)).passed
    assert replace(own, theory=np.full(10, 9 * t)).status.code is Code.REJECTED
    assert "still move" in replace(own, drift=0.1).status


def test_networks_that_all_diverge_raise(unsolved, monkeypatch):
    def run(self, k, seed, sampler, dtype):
        raise SolverError("x is not finite")

    solved = np.zeros(10), np.ones(1), {}  # no need to solve the equations for this
    monkeypatch.setattr("motifield.numerics.inference.confirmation._theory", lambda *_: solved)
    monkeypatch.setattr(Protocol, "run", run)
    with pytest.raises(SolverError, match="2 of 2 networks diverged"):
        confirm(unsolved, networks=2, N=1000)
    found = confirm(unsolved, networks=2, N=1000, throw=False)
    assert found.diverged == 2
    assert found.status.code is Code.DIVERGED


def test_networks_that_diverge_do_not_pass(unsolved):
    """Of ten networks one: the others are compared as usual."""
    samples = np.random.default_rng(1).normal(0.5, 0.01, (10, 10))
    samples[3] = np.nan
    own = Confirmation(unsolved, 1000, samples, np.full(10, 0.5), 0.0, 0.0)
    assert np.all(own.agrees)
    assert own.diverged == 1
    assert not own.passed
    assert "1 of 10 networks diverged" in own.status
    assert own.status.code is Code.INCOMPLETE
    assert "mean of 9 networks" in own.criterion
    np.testing.assert_allclose(own.mean, np.delete(samples, 3, axis=0).mean(axis=0))
    none = replace(own, samples=np.full((10, 10), np.nan))
    assert not none.passed
    assert none.status.code is Code.DIVERGED
    assert "fewer than two" in none.criterion


def test_an_input_that_waits():
    own = Later(PULSE, -0.5, 10.0)
    assert [float(own(t)[0]) for t in (0.0, 10.5, 10.79, 10.81, 11.79, 11.81)] == [1, 1, 1, 2, 2, 1]
    np.testing.assert_allclose(own.edges, [10.8, 11.8])
    np.testing.assert_allclose(
        Later(PULSE, 0.5, 10.0).edges, [10.8]
    )  # the first jump is before the start


def test_another_size_keeps_the_reciprocity_that_chains_do_not_bring(of_populations):
    motifs = mf.Motifs(0.002, 0.002, 0.001, 0.1)
    base = of_populations("E", 4000, mean=-0.0005, g=0.3, motifs=motifs, input=1.0)
    own = scaled(base, 1000)
    assert float(own.tau_chn.ravel()[0]) == pytest.approx(0.004)
    assert float(own.mean.ravel()[0]) == pytest.approx(-0.002)
    np.testing.assert_allclose(residual_moments(own)[1], residual_moments(base)[1], rtol=1e-12)
    with pytest.raises(InfeasibleStatisticsError):
        scaled(base, 10)


def offsets(unsolved, persistence, names=("a", "b", "pulse"), N=4000, **changes):
    conditions = {name: unsolved.parameters(name).replace(**changes) for name in names}
    protocol = Protocol(
        unsolved.problem.exact,
        conditions,
        unsolved.problem.starts,
        unsolved.problem.times,
        np.array([persistence]),
        1.0,
        {},
    )
    network = mf.Network.of(np.zeros((N, N), dtype=np.float32), np.zeros(N, dtype=int), ["E"])
    return np.array([protocol._offsets(network, name, 3) for name in names])


def test_offsets_are_correlated_as_the_persistence_says(unsolved):
    for value in (0.7, 0.0, -0.4):
        found = np.corrcoef(offsets(unsolved, value))
        np.testing.assert_allclose(found, np.where(np.eye(3) > 0, 1.0, value), atol=0.05)
    same = offsets(unsolved, 1.0)
    assert np.all(same == same[:1])
    assert same.std() == pytest.approx(1.0, abs=0.05)
    with pytest.raises(ParameterError, match="at least -0.5 can be"):
        offsets(unsolved, -0.6)
    with pytest.raises(ParameterError, match="tau_inp"):
        offsets(unsolved, 0.5, tau_inp=jnp.full((1, 1), 0.01))


def test_arguments_are_checked(unsolved):
    for arguments, message in (
        ({"networks": 1}, "at least two"),
        ({"settle": 0.0}, "settle = 0.0"),
        ({"tolerance": -1.0}, "not negative"),
    ):
        with pytest.raises(ParameterError, match=message):
            confirm(unsolved, **arguments)


def test_pools_and_times_are_read_where_they_are():
    """Two populations whose rates are known at two times: x itself."""
    import xarray as xr

    labels = np.array(["A"] * 3 + ["B"])
    rate = np.array([[2.0, 6.0], [3.0, 10.0]])
    seen = xr.Dataset(
        {
            "rate": (("time", "population"), rate),
            "rate_sd": (("time", "population"), np.array([[1.0, 0.0], [2.0, 0.0]])),
            "trajectory": (("time", "recorded"), np.array([[1.0, 2, 3, 6], [1, 3, 5, 10]])),
        },
        coords={"time": [5.0, 7.0], "label": ("neuron", labels)},
    )
    system = mf.compile(mf.derive(mf.Architecture(["A", "B"], "x"), closure=mf.LowRank()))
    own = mf.Parameters.of(populations=["A", "B"], N=4, fractions=[0.75, 0.25], mean=0.0, g=0.1)
    targets = mf.Targets.of(
        [
            {
                "quantity": "rate_mean",
                "population": "A+B",
                "condition": "c",
                "value": 1.0,
                "error": 1.0,
            },
            {
                "quantity": "rate_mean",
                "population": "B",
                "condition": "c",
                "value": 1.0,
                "error": 1.0,
                "time": 2.5,
            },
            {
                "quantity": "rate_sd",
                "population": "A",
                "condition": "c",
                "value": 1.0,
                "error": 1.0,
                "time": 2.5,
            },
            {
                "quantity": "rate_quantile",
                "population": "A",
                "condition": "c",
                "value": 1.0,
                "error": 1.0,
                "level": 0.5,
            },
        ]
    )
    protocol = Protocol(system, {"c": own}, {"c": 0.5}, {"c": np.array([2.5])}, np.ones(2), 5.0, {})
    np.testing.assert_allclose(protocol.moments("c"), [7.0])
    np.testing.assert_allclose(readings(targets, protocol, {"c": seen}), [3.0, 10.0, 2.0, 2.0])
