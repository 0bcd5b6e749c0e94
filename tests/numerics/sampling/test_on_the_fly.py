"""Synapses that are drawn again at every use: the matrix they stand for, its statistics,
simulation, several devices.
"""

import os
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import InfeasibleStatisticsError, NetworkError, ParameterError
from motifield.numerics.simulation import integrate_network


def dense(network):
    return mf.Network.of(network.weights.dense(), network.labels, network.populations)


def test_products_are_those_of_one_matrix(two_populations):
    """Whatever the number of states, and tiles that populations cross and that do not fit."""
    network = mf.sampling.matrix_free(two_populations.rescaled(90), 3, dtype=np.float64, tile=32)
    J, r = network.weights.dense(), np.random.default_rng(0).normal(size=(90, 3))
    np.testing.assert_allclose(network.weights @ r, J @ r, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(network.weights @ r[:, 1], J @ r[:, 1], rtol=1e-12, atol=1e-13)
    again, other = (
        mf.sampling.matrix_free(
            two_populations.rescaled(90), seed, dtype=np.float64, tile=32
        ).weights.dense()
        for seed in (3, 4)
    )
    np.testing.assert_array_equal(again, J)
    assert np.abs(other - J).min() > 0


def test_statistics_of_twenty_networks(two_populations, scores_of):
    """Means, variances and motifs as they are asked for, the diagonal like the rest of
    its block.
    """
    own, g, N = two_populations, np.asarray(two_populations.g), float(two_populations.N)
    networks = [
        mf.sampling.matrix_free(own, seed, dtype=np.float64, tile=100) for seed in range(20)
    ]
    scores = scores_of(own, [mf.measure(dense(network)) for network in networks])
    assert {name: np.abs(z).max() for name, z in scores.items() if np.abs(z).max() > 4.5} == {}
    # own synapses: the mean of their block, and the variance with both strengths of a neuron
    diagonal = np.array([np.diagonal(network.weights.dense()) for network in networks])
    for p in range(2):
        values = diagonal[:, networks[0].labels == p]
        assert abs(values.mean() - float(own.mean[p, p])) < 4 * g[p, p] / np.sqrt(N * values.size)
        expected = g[p, p] ** 2 / N * (1 + 2 * float(own.tau_chn[p, p, p]))
        assert values.var() == pytest.approx(expected, rel=4 * np.sqrt(2 / values.size))


def test_rows_are_known(two_populations):
    """u_i^q and offsets are those of the Gaussian sampler: both draw them from the same bits."""
    network, stored = mf.sampling.matrix_free(two_populations, 5), mf.sample(two_populations, 5)
    np.testing.assert_array_equal(network.rows, stored.rows)
    np.testing.assert_array_equal(network.offsets, stored.offsets)


def test_simulation_is_that_of_the_matrix(two_populations):
    own = two_populations.rescaled(90)
    network = mf.sampling.matrix_free(own, 1, dtype=np.float64, tile=64)
    runs = [
        integrate_network(
            own, lambda x, p: jnp.tanh(x), input=[0.3, -0.2], t1=2.0, saveat=[1.0, 2.0]
        )
        for own in (network, dense(network))
    ]
    np.testing.assert_allclose(runs[0]["x"], runs[1]["x"], rtol=1e-8, atol=1e-9)
    with pytest.raises(NetworkError, match="drawn as float64"):
        integrate_network(network, lambda x, p: x, t1=1.0, dtype=np.float32)


def test_two_devices_give_the_same_products(tmp_path):
    script = tmp_path / "two.py"
    script.write_text("""
import jax, numpy as np
jax.config.update("jax_enable_x64", True)
import motifield as mf
par = mf.Parameters.of(
    N=150,
    fractions=[0.7, 0.3],
    mean=0.002,
    g=[[0.3, 0.5], [0.7, 0.2]],
    motifs=mf.Motifs(0.02, 0.03, 0.01, 0.3),
)
assert len(jax.devices()) == 2
one, two = (
    mf.sampling.matrix_free(
        par, 1, dtype=np.float64, tile=32, devices=jax.devices()[:n]
    ).weights
    for n in (1, 2)
)
r = np.random.default_rng(0).normal(size=(150, 2))
np.testing.assert_allclose(one @ r, two @ r, rtol=1e-12, atol=1e-12)
""")
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    environment = {**os.environ, "XLA_FLAGS": flags}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_refusals(two_populations):
    for options, match in (({"tile": 0}, "tile = 0"), ({"bits": "dice"}, "bits = 'dice'")):
        with pytest.raises(ParameterError, match=match):
            mf.sampling.matrix_free(two_populations, 0, **options)
    with pytest.raises(NetworkError, match="dtype int64"):
        mf.sampling.matrix_free(two_populations, 0, dtype=int)
    with pytest.raises(InfeasibleStatisticsError):
        mf.sampling.matrix_free(two_populations.replace(tau_con=np.full((2, 2, 2), -0.5)), 0)
    network = mf.sampling.matrix_free(two_populations, 0)
    for use in (
        lambda: mf.measure(network),
        lambda: network.save("n.npz"),
        lambda: mf.spectrum(None, network),
        lambda: network.scaled(2.0),
    ):
        with pytest.raises(NetworkError, match=r"weights\.dense\(\)"):
            use()
