"""Parameters: made from what users have, validated, rescaled."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from motifield import Motifs, Parameters
from motifield.errors import InfeasibleStatisticsError, ParameterError, PrecisionError

BASE = {
    "populations": ["E", "I"],
    "N": 100,
    "fractions": [0.8, 0.2],
    "mean": [[0.01, -0.02], [0.03, -0.04]],
    "g": [[0.1, 0.2], [0.3, 0.4]],
}


def make(**changes):
    return Parameters.of(**(BASE | changes))


def test_fields_are_the_arrays_that_were_given():
    made = make(
        motifs=Motifs.homogeneous(convergent=0.02, divergent=0.03, chain=0.01, reciprocal=0.2),
        input=[1.0, 2.0],
    )
    assert made.populations == ("E", "I")
    assert made.P == 2
    np.testing.assert_array_equal(made.mean, BASE["mean"])
    np.testing.assert_array_equal(made.g, BASE["g"])
    np.testing.assert_array_equal(made.input(0.0), [1.0, 2.0])
    for name, value, ndim in (
        ("tau_con", 0.02, 3),
        ("tau_div", 0.03, 3),
        ("tau_chn", 0.01, 3),
        ("tau_rec", 0.2, 2),
    ):
        np.testing.assert_array_equal(getattr(made, name), np.full((2,) * ndim, value))
    assert all(a.dtype == jnp.float64 for a in jax.tree.leaves(made))


def test_names_row_is_target():
    """Jbar["E"]["I"] is the synapse from I onto E."""
    by_name = make(
        mean={"I": {"E": 0.03, "I": -0.04}, "E": {"I": -0.02, "E": 0.01}},
        fractions={"I": 0.2, "E": 0.8},
        g={"E": {"E": 0.1, "I": 0.2}, "I": {"E": 0.3, "I": 0.4}},
        input={"I": 2.0, "E": 1.0},
    )
    assert jax.tree.all(
        jax.tree.map(lambda a, b: bool(jnp.all(a == b)), by_name, make(input=[1.0, 2.0]))
    )


def test_names_from_a_mapping_or_by_number():
    assert Parameters.of(N=10, fractions={"A": 0.5, "B": 0.5}, mean=0.0, g=1.0).populations == (
        "A",
        "B",
    )
    assert Parameters.of(N=10, fractions=[0.2, 0.3, 0.5], mean=0.0, g=1.0).populations == (
        "1",
        "2",
        "3",
    )
    assert Parameters.of(N=10, fractions=1.0, mean=0.0, g=1.0).populations == ("1",)


def test_shared_has_no_reciprocal_residual():
    made = make(motifs=Motifs.shared(0.04))
    for tensor in (made.tau_con, made.tau_div, made.tau_chn):
        np.testing.assert_array_equal(tensor, np.full((2, 2, 2), 0.04))
    np.testing.assert_array_equal(made.tau_rec, np.full((2, 2), 0.08))


@pytest.mark.parametrize("sign", [1, -1])
def test_by_population(sign):
    tau = [0.01, 0.05]
    con, div, chain, rec = (np.asarray(t) for t in Motifs.by_population(tau, chain_sign=sign))
    for p in range(2):
        for q in range(2):
            assert rec[p, q] == pytest.approx(sign * (tau[p] + tau[q]))
            for r in range(2):
                assert con[p, q, r] == tau[p]  # the target's
                assert div[q, p, r] == tau[q]  # the source's
                assert chain[p, q, r] == sign * tau[q]  # the middle's
    make(motifs=Motifs.by_population(tau, chain_sign=sign))  # feasible


@pytest.mark.parametrize(
    ("tau", "sign"), [([-0.1, 0.1], 1), ([[0.1]], 1), (0.1, 1), ([0.1, 0.1], 2)]
)
def test_by_population_errors(tau, sign):
    with pytest.raises(ParameterError, match="by_population needs tau >= 0"):
        Motifs.by_population(tau, chain_sign=sign)


def test_from_covariances_by_definition(three_populations):
    """tau is the covariance over the product of the two synapses' standard deviations g / sqrt(N)
    (docs/theory.md, section 1.1).
    """
    want, N = three_populations, float(three_populations.N)
    g = np.asarray(want.g)
    con, div, chain, rec = (np.zeros(np.shape(t)) for t in want.motifs)
    for p in range(3):
        for q in range(3):
            rec[p, q] = want.tau_rec[p, q] * g[p, q] * g[q, p] / N
            for r in range(3):
                con[p, q, r] = want.tau_con[p, q, r] * g[p, q] * g[p, r] / N
                div[q, p, r] = want.tau_div[q, p, r] * g[p, q] * g[r, q] / N
                chain[p, q, r] = want.tau_chn[p, q, r] * g[p, q] * g[q, r] / N
    made = Parameters.from_covariances(
        N=N,
        fractions=want.fractions,
        mean=want.mean,
        variance=g**2 / N,
        convergent=con,
        divergent=div,
        chain=chain,
        reciprocal=rec,
    )
    for name in ("g", "tau_con", "tau_div", "tau_chn", "tau_rec"):
        np.testing.assert_allclose(getattr(made, name), getattr(want, name), rtol=1e-12)


def test_an_empty_block_has_no_motifs():
    """I does not project onto itself: g_II = 0, where a coefficient would be 0/0."""
    variance = np.array([[0.01, 0.02], [0.03, 0.0]])
    con = np.full((2, 2, 2), 2e-4)
    con[1, 1, :] = con[1, :, 1] = 0
    made = Parameters.from_covariances(
        N=100, fractions=[0.5, 0.5], mean=0.0, variance=variance, convergent=con
    )
    assert bool(jnp.all(jnp.isfinite(made.tau_con)))
    assert float(made.g[1, 1]) == 0
    assert float(made.tau_con[1, 1, 1]) == float(made.tau_con[1, 0, 1]) == 0
    assert float(made.tau_con[0, 0, 1]) == pytest.approx(2e-4 / np.sqrt(0.01 * 0.02))


def test_from_covariances_errors():
    common = {"N": 100, "fractions": [0.5, 0.5], "mean": 0.0}
    with pytest.raises(ParameterError, match="a variance is negative"):
        Parameters.from_covariances(variance=-1.0, **common)
    with pytest.raises(
        ParameterError, match="convergent: a covariance is not 0 where a synapse's variance is 0"
    ):
        Parameters.from_covariances(
            variance=[[1, 1], [1, 0]], convergent=np.full((2, 2, 2), 1e-3), **common
        )


def test_rescaled_keeps_what_enters_the_limit(two_populations):
    given = two_populations
    made = given.rescaled(3000)
    assert float(made.N) == 3000
    for product in (
        lambda p: p.N * p.mean,
        lambda p: p.g,
        lambda p: p.N * p.tau_con,
        lambda p: p.N * p.tau_div,
        lambda p: p.N * p.tau_chn,
        lambda p: p.tau_rec,
        lambda p: p.input(0.0),
    ):
        np.testing.assert_allclose(product(made), product(given), rtol=1e-13)


def test_rescaled_fractions_are_the_realised_ones():
    made = make(fractions=[0.7, 0.3]).rescaled(11)
    assert made.sizes == (8, 3)
    np.testing.assert_allclose(made.fractions, [8 / 11, 3 / 11], rtol=1e-15)


def test_rescaled_errors():
    with pytest.raises(ParameterError, match="1 neurons cannot fill 2 populations"):
        make().rescaled(1)
    with pytest.raises(ParameterError, match="leaves population I empty"):
        make(fractions=[0.98, 0.02]).rescaled(5)
    with pytest.raises(
        InfeasibleStatisticsError
    ):  # N tau = 20 does not fit into 10 neurons: tau would be 2
        make(motifs=Motifs.shared(0.2)).rescaled(10)


@pytest.mark.parametrize("N", [7, 100, 101, 999])
@pytest.mark.parametrize("fractions", [[1 / 3] * 3, [0.5, 0.25, 0.25], [0.123, 0.456, 0.421]])
def test_sizes_sum_to_N(N, fractions):
    sizes = Parameters.of(N=N, fractions=fractions, mean=0.0, g=1.0).sizes
    assert sum(sizes) == N
    assert all(abs(n - N * f) < 1 for n, f in zip(sizes, fractions, strict=True))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"fractions": [0.8, 0.3]},
            "fractions must be positive and sum to 1: {'E': 0.8, 'I': 0.3}",
        ),
        ({"fractions": [1.2, -0.2]}, "fractions must be positive and sum to 1"),
        ({"fractions": [1.0, 0.0]}, "fractions must be positive and sum to 1"),
        ({"fractions": [0.5, 0.3, 0.2]}, "fractions has shape (3,)"),
        (
            {"fractions": {"E": 0.8, "X": 0.2}},
            "fractions names ['E', 'X'], the populations are ['E', 'I']",
        ),
        (
            {"mean": [[1.0, 2.0]]},
            "mean has shape (1, 2); for populations ['E', 'I'] it needs (2, 2) or a scalar",
        ),
        ({"mean": [1.0, 2.0]}, "mean has shape (2,)"),
        ({"mean": [[1.0, np.nan], [0.0, 0.0]]}, "mean[E,I] = nan is not a finite number"),
        ({"mean": "strong"}, "mean = 'strong' is not a number"),
        (
            {"mean": {"E": {"E": 1.0, "I": 1.0}}},
            "mean has rows for ['E'], the populations are ['E', 'I']",
        ),
        ({"mean": {"E": {"E": 1.0}, "I": {"E": 1.0, "I": 1.0}}}, "mean[E] names ['E']"),
        ({"g": -0.1}, "g is a standard deviation and must not be negative"),
        ({"g": [[np.inf, 1.0], [1.0, 1.0]]}, "g[E,E] = inf is not a finite number"),
        ({"N": 0}, "N = 0 must be a number of neurons"),
        ({"N": np.nan}, "N = nan is not a finite number"),
        ({"populations": ["E", "E"]}, "the population name 'E' is given twice"),
        ({"motifs": Motifs(convergent=np.zeros((2, 2)))}, "tau_con has shape (2, 2)"),
        (
            {"motifs": Motifs(chain=np.full((2, 2, 2), np.nan))},
            "tau_chn[E,E,E] = nan is not a finite number",
        ),
        (
            {"motifs": Motifs(convergent=0.01 * np.arange(8.0).reshape(2, 2, 2))},
            "tau_con[p,q,r] must be symmetric in q and r; largest difference 0.01",
        ),
        (
            {"motifs": Motifs(divergent=0.01 * np.arange(8.0).reshape(2, 2, 2))},
            "tau_div[q,p,r] must be symmetric in p and r",
        ),
        (
            {"motifs": Motifs(reciprocal=[[0.0, 0.1], [0.2, 0.0]])},
            "tau_rec[p,q] must be symmetric in p and q; largest difference 0.1",
        ),
        ({"input": [1.0, 2.0, 3.0]}, "input has shape (3,)"),
        ({"input": {"E": 1.0}}, "input names ['E']"),
    ],
)
def test_errors_say_what_was_given(changes, match):
    with pytest.raises(ParameterError, match=re.escape(match)):
        make(**changes)


def test_a_chain_need_not_be_symmetric(two_populations):
    chain = np.asarray(two_populations.tau_chn)
    assert not np.allclose(chain, chain.transpose(2, 1, 0))


def test_replace_and_without_motifs(two_populations):
    changed = two_populations.replace(N=50.0, input=[3.0, 4.0])
    assert float(changed.N) == 50
    np.testing.assert_array_equal(changed.input(0.0), [3.0, 4.0])
    assert changed.g is two_populations.g
    plain = two_populations.without_motifs()
    assert all(not np.any(t) for t in plain.motifs)
    np.testing.assert_array_equal(plain.g, two_populations.g)
    with pytest.raises(ParameterError, match=r"unknown parameters \['tau'\]"):
        two_populations.replace(tau=1.0)
    with pytest.raises(ParameterError, match=r"mean has shape \(3, 3\), it needs \(2, 2\)"):
        two_populations.replace(mean=np.zeros((3, 3)))


def test_replace_takes_what_of_takes(two_populations):
    """Strengths are validated as `with_strengths` does, with the motifs that are replaced."""
    own = {"features": ["in", "out"], "gamma": np.full((2, 2, 2, 2), 1e-3)}
    changed = two_populations.replace(strengths=own, time_unit="ms", g=two_populations.g * 0.5)
    other = two_populations.replace(g=two_populations.g * 0.5).with_strengths(own)
    np.testing.assert_array_equal(changed.strengths.covariances, other.strengths.covariances)
    assert changed.time_unit == "ms"
    assert changed.replace(strengths=None).strengths is None
    with pytest.raises(ParameterError, match="gamma has shape"):
        two_populations.replace(strengths={"gamma": np.zeros(3)})
    with pytest.raises(ParameterError, match=r"other N, .*; for other populations make new ones"):
        two_populations.replace(populations=["A", "B"])


def test_replace_takes_values_by_population(two_populations):
    changed = two_populations.replace(membrane={"tau": {"I": 0.6, "E": 0.3}})
    np.testing.assert_array_equal(changed.membrane["tau"], [0.3, 0.6])
    with pytest.raises(ParameterError, match="tau needs a value for each of E, I, not for E"):
        two_populations.replace(membrane={"tau": {"E": 0.3}})


def test_replace_works_under_grad(two_populations):
    slope = jax.grad(lambda v: jnp.sum(two_populations.replace(g=v * two_populations.g).g))(1.0)
    assert float(slope) == pytest.approx(0.31 + 0.52 + 0.73 + 0.24)  # the sum of the fixture's g


def test_dataset_has_names(two_populations):
    data = two_populations.dataset()
    assert float(data["mean"].sel(target="E", source="I")) == -0.0105  # the fixture's number
    assert float(data["tau_chn"].sel(target="I", middle="E", source="I")) == 0.017


def test_single_precision_is_refused():
    with (
        jax.enable_x64(False),
        pytest.raises(PrecisionError, match=r'jax.config.update\("jax_enable_x64", True\)'),
    ):
        make()


def test_reprs_are_short(two_populations):
    """Of many populations, too, and of parameters that jax traces."""
    assert repr(two_populations).startswith("Parameters of populations E, I\n  N: ")
    assert "tau_con" not in repr(two_populations.without_motifs())
    many = Parameters.of(
        N=100, fractions=np.full(20, 0.05), mean=np.arange(400.0).reshape(20, 20), g=0.1
    )
    assert "mean: 0 to 399, shape (20, 20)" in repr(many)
    driven = two_populations.replace(input={"times": [1.0], "values": [[0.1, 0.2], [0.3, 0.4]]})
    assert repr(driven.input) == "Steps(times=1, values=[0.1 0.2; 0.3 0.4])"
    assert "<td>fractions</td>" in driven._repr_html_()
    seen = []
    jax.jit(lambda p: seen.append(repr(p)) or p.N)(driven)
    for text in (repr(two_populations), repr(many), repr(driven), *seen):
        assert len(text.splitlines()) < 20
