"""Inputs along patterns: named numbers, equations, and sampled networks."""

import jax
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ArchitectureError, NetworkError, ParameterError
from motifield.numerics.parameters import all_inputs
from motifield.theory.architecture import Mixture

ALONE = {"populations": ["E"], "transfer": "erf", "motifs": [], "patterns": ["m", "n"]}


def rank_one(N=1000, led=0.8, **others):
    """Patterns m and n of variance 1 and covariance .5, with J = 1.5 m n'/N + g w."""
    gamma = np.zeros((1, 1, 2, 2))
    gamma[0, 0, 0, 1] = 1.5 / N
    S = np.zeros((1, 1, 4, 4))
    S[0, 0, 2:, 2:] = [[1.0, 0.5], [0.5, 1.0]]
    strengths = {"features": ["m", "n"], "gamma": gamma, "weights": [[1.0]]}
    strengths |= {"means": np.zeros((1, 1, 4)), "covariances": S}
    own = {"populations": ["E"], "N": N, "fractions": [1.0], "mean": 0.0, "g": 0.8}
    return mf.Parameters.of(
        **own, strengths=strengths, input=0.3, pattern_input={"m": led}, **others
    )


def compiled(inputs=("pattern",)):
    architecture = mf.Architecture(**ALONE, strengths=Mixture(), inputs=inputs)
    return mf.compile(mf.derive(architecture, mf.SecondMoment()))


@pytest.fixture(scope="module")
def system():
    return compiled()


def test_an_input_needs_patterns():
    with pytest.raises(ArchitectureError, match=r"patterns=\['m'\], or leave out"):
        mf.Architecture(["E"], inputs=["pattern"])


def test_no_input_changes_nothing(system):
    """d(state)/dt is the same to the last digit as without such an input."""
    plain, par = compiled(inputs=()), rank_one(led=0.0)
    numbers = {"K": [0.4], "kappa": [0.2], "theta": [[0.3, 0.1]], "s": [0.5]}
    state = {name: np.array(v) for name, v in numbers.items()}
    found = [s.vector_field(0.0, s.State(**state), par).theta.tolist() for s in (system, plain)]
    assert found[0] == found[1]


def test_it_drives_its_own_pattern(system):
    state = system.rest(1)._replace(K=np.array([0.3]))
    moved, still = (system.vector_field(0.0, state, rank_one(led=h)) for h in (0.8, 0.0))
    assert (moved.theta - still.theta).tolist() == [[0.8, 0.0]]
    assert all(np.array_equal(a, b) for a, b in zip(moved[:2], still[:2], strict=True))


def test_named_read_and_written(tmp_path):
    par = rank_one(led={"E": {"start": 1.0, "stop": 2.0, "amplitude": 0.5}}, time_unit="ms")
    par.save(tmp_path / "par.toml")
    again = mf.Parameters.load(tmp_path / "par.toml")
    assert float(again.pattern_input["m"](1.5)[0]) == 0.5
    par = rank_one()
    assert "pattern_input.m[E]" in mf.numerics.parameters.names(par)
    more = mf.scalar("pattern_input.m[E]", par).set(par, 1.25)
    assert (
        float(mf.scalar("factor(pattern_input.m)", more).set(more, 2).pattern_input["m"](0)[0])
        == 2.5
    )
    assert "pattern_input.m: " in repr(par)
    slope = jax.grad(lambda h: par.replace(pattern_input={"m": h}).pattern_input["m"](0)[0])(1.0)
    assert slope == 1.0
    assert list(all_inputs(par.rescaled(500))) == list(all_inputs(par))
    network = mf.sample(par.rescaled(40), seed=1)
    network.save(tmp_path / "network.npz")
    known = mf.Network.load(tmp_path / "network.npz").parameters
    assert known.pattern_input["m"](0.0).tolist() == [0.8]


def test_faults_are_named(system):
    par = rank_one()
    with pytest.raises(ParameterError, match="no constant pattern_input along 'q'.* along m"):
        mf.scalar("pattern_input.q[E]", par)
    with pytest.raises(ParameterError, match="maps names of patterns"):
        par.replace(pattern_input=0.5)
    with pytest.raises(ParameterError, match="along 'q'; the architecture has the patterns"):
        system.check(par.replace(pattern_input={"q": 1.0}))
    with pytest.raises(ParameterError, match="add 'pattern' to its inputs"):
        compiled(inputs=()).check(par)
    blind = mf.Network.of(np.zeros((30, 30)), np.zeros(30, int), ["E"])
    with pytest.raises(NetworkError, match="values of the pattern 'm' are not known"):
        mf.simulate(system, blind, par, t1=1.0)


def test_a_neuron_without_synapses_follows_its_pattern(system):
    par = rank_one(N=20).replace(g=np.zeros((1, 1)), pattern_input={"m": 0.8, "n": -0.5})
    own = np.random.default_rng(1).normal(size=(2, 20))
    network = mf.Network.of(
        np.zeros((20, 20)), np.zeros(20, int), ["E"], features={"m": own[0], "n": own[1]}
    )
    runs = [{"input": 0.3, "pattern_input": {"m": 0.8, "n": -0.5}}, {"pattern_input": {}}]
    end = mf.simulate(system, network, par, t1=1.0, runs=runs).dataset["x"].values
    rise = 1 - np.exp(-1.0)
    np.testing.assert_allclose(end[0], rise * (0.3 + 0.8 * own[0] - 0.5 * own[1]), rtol=1e-5)
    np.testing.assert_allclose(end[1], rise * 0.3, rtol=1e-5)


def test_networks_with_an_input_along_a_pattern(system):
    """Mean, variance and rate of 12 networks; without the input they miss by far."""
    par = rank_one()
    theory = mf.fixed_point(system, par).dataset
    seen = [
        mf.simulate(system, mf.sample(par, seed=k), t1=25.0, saveat=[25.0], seed=k).dataset
        for k in range(12)
    ]
    still = mf.fixed_point(system, rank_one(led=0.0)).dataset
    for name in ("mean", "variance", "rate"):
        own = np.array([d[name].values.squeeze()[()] for d in seen]).reshape(12, -1)[:, -1]
        error = own.std(ddof=1) / np.sqrt(12)
        assert abs(own.mean() - theory[name].item()) < 4 * error, name
    assert still["variance"].item() < 0.7 * theory["variance"].item()
