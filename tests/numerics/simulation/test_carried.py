"""A simulation uses what its objects know: the numbers that the network carries."""

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError, SolverError
from motifield.numerics.simulation import integrate_network

GAIN, TAU, N = 3.0, 5.0, 2000


@pytest.fixture(scope="module")
def system():
    phi = mf.transfer.expression("tanh(gain*x)", gain=1.0)
    return mf.compile(mf.derive(mf.Architecture(["E"], phi, membrane=mf.filters.membrane(1.0))))


@pytest.fixture(scope="module")
def parameters(of_populations):
    return of_populations(
        "E", N, mean=-1.0 / N, g=0.3, input=0.5, transfer={"gain": GAIN}, membrane={"tau": TAU}
    )


@pytest.fixture(scope="module")
def network(parameters):
    return mf.sample(parameters, 1)


def test_gain_and_time_constant_of_the_network(system, network, parameters):
    """The course follows the theory with gain 3 and tau 5, and not that with the defaults."""
    times = [2.5, 5.0, 30.0]
    found = mf.simulate(system, network, t1=30.0, saveat=times)
    defaults = parameters.replace(transfer={"gain": 1.0}, membrane={"tau": 1.0})
    theory, other = (
        mf.integrate(system, p, 30.0, saveat=[0.0, *times])["rate"].values[1:, 0]
        for p in (parameters, defaults)
    )
    own = found["rate"].values[:, 0]
    # rates of 2000 neurons with a standard deviation of about .3 across them: .3 / sqrt(2000)
    np.testing.assert_allclose(own, theory, atol=5 * 0.3 / np.sqrt(N))
    assert np.abs(own - other).max() > 0.1


def test_parameters_and_changes_of_them(system, network, parameters):
    given = {"input": 0.2, "transfer": {"gain": 2.0}, "membrane": {"tau": 4.0}}
    changed = mf.simulate(system, network, t1=3.0, **given)
    whole = mf.simulate(system, network, parameters.replace(**given), t1=3.0)
    np.testing.assert_array_equal(changed["x"], whole["x"])
    assert np.abs(changed["x"] - mf.simulate(system, network, t1=3.0)["x"]).max() > 0.05


def test_a_network_without_parameters(system, network):
    bare = mf.Network.of(network.weights, network.labels, network.populations)
    with pytest.raises(ParameterError, match="carries no parameters, and input= is not given"):
        mf.simulate(system, bare, t1=1.0)
    given = {"input": 0.5, "transfer": {"gain": GAIN}, "membrane": {"tau": TAU}}
    found = mf.simulate(system, bare, t1=1.0, **given)
    np.testing.assert_array_equal(found["x"], mf.simulate(system, network, t1=1.0)["x"])


def test_inputs_of_the_architecture_have_to_be_given(network):
    noisy = mf.compile(mf.derive(mf.Architecture(["E"], "tanh(x)", inputs=["noise"])))
    bare = mf.Network.of(network.weights, network.labels, network.populations)
    with pytest.raises(ParameterError, match="noise= is not given"):
        mf.simulate(noisy, bare, t1=1.0, input=0.5)
    assert mf.simulate(noisy, bare, t1=1.0, input=0.5, noise=0.0).status.ok


def test_other_populations_are_refused(system, network, two_populations):
    with pytest.raises(ParameterError, match=r"for the populations \['E', 'I'\], the network has"):
        mf.simulate(system, network, two_populations, t1=1.0)
    with pytest.raises(ParameterError, match="no parameter 'slope'"):
        mf.simulate(system, network, t1=1.0, transfer={"slope": 1.0})
    with pytest.raises(TypeError, match=r"simulate\(\) has no argument 'x0'; its options are"):
        mf.simulate(system, network, t1=1.0, x0=1.0)


def test_the_exponent_has_the_network_s_gain(of_populations):
    """Without a mean, x = 0 is a fixed point: the exponent is the edge of the spectrum, g gain
    - 1.
    """
    phi = mf.transfer.expression("tanh(gain*x)", gain=1.0)
    plain = mf.compile(mf.derive(mf.Architecture(["E"], phi)))
    own = of_populations("E", 400, mean=0.0, g=0.3, transfer={"gain": 2.0})
    network = mf.sample(own, 3)
    edge = float(np.linalg.eigvals(network.weights * 2.0 - np.eye(400)).real.max())
    found = mf.simulation.network_exponent(plain, network, t1=60.0, transient=30.0, initial=0.0)
    # a complex pair turns while it grows: an error of about 1 / (t1 - transient)
    assert found.value == pytest.approx(edge, abs=0.04)
    assert abs(0.3 * 2.0 - 1 - edge) < 0.1


@pytest.mark.slow
def test_a_failure_raises_unless_it_is_asked_for():
    doubling = mf.Network.of([[3.0]], [0])
    with pytest.raises(SolverError, match="diverged"):
        integrate_network(doubling, lambda x, p: x, t1=50.0, initial=1.0)
    linear = mf.compile(mf.derive(mf.Architecture(["1"], "x")))
    with pytest.raises(SolverError, match="diverged"):
        mf.simulate(linear, doubling, t1=50.0, initial=1.0, input=0.0)
    found = mf.simulate(linear, doubling, t1=50.0, initial=1.0, input=0.0, throw=False)
    assert found.status.code == "diverged"


def test_a_saved_simulation_goes_on(tmp_path, system, network):
    first = mf.simulate(system, network, t1=1.0)
    first.save(tmp_path / "first.nc")
    rest = mf.simulate(system, network, t1=2.0, resume=mf.load(tmp_path / "first.nc"))
    np.testing.assert_array_equal(
        rest["x"], mf.simulate(system, network, t1=2.0, resume=first)["x"]
    )
    assert len(repr(rest).splitlines()) < 20
    assert rest.json()["mean"][-1] == pytest.approx([float(jnp.mean(rest["x"].values))])
