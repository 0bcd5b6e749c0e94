"""Strengths of any distribution as numbers: what is refused, files, names, rescaling."""

import jax
import numpy as np
import pytest

import motifield as mf
from motifield.errors import InfeasibleStatisticsError, ParameterError, SpecError
from motifield.numerics.parameters import explained, names, synaptic_units

N, ALPHA = 400, np.array([0.7, 0.3])


def given(rng, quenched=False, features=("in", "out")):
    """Two populations of two and three components with centres, widths and assortativity."""
    parts = []
    for count in (2, 3):
        w = rng.uniform(0.5, 1.5, count)
        w /= w.sum()
        unit = np.array([1, 1, 1 / N, 1 / N]) * 0.2
        means = rng.normal(size=(count, 4)) * unit
        means -= w @ means
        roots = rng.normal(size=(count, 4, 4)) * unit[:, None] / 2
        parts.append((w, means, roots @ roots.transpose(0, 2, 1)))
    gamma = rng.normal(size=(2, 2, len(features), len(features))) * 0.05 / N
    return {
        "features": list(features),
        "gamma": gamma.tolist(),
        "quenched": quenched,
        "weights": [w.tolist() for w, _, _ in parts],
        "means": [m.tolist() for _, m, _ in parts],
        "covariances": [S.tolist() for _, _, S in parts],
    }


def motifs_of(own, g):
    """The coefficients that the components have."""
    cov = []
    for w, m, S in zip(own["weights"], own["means"], own["covariances"], strict=True):
        w, m, S = map(np.asarray, (w, m, S))
        cov.append(np.einsum("m,mij->ij", w, S + m[:, :, None] * m[:, None, :]))
    cov = np.array(cov)
    con = cov[:, :2, :2] / N / (g[:, :, None] * g[:, None, :])
    div = cov[:, 2:, 2:] * N / (g.T[:, :, None] * g.T[:, None, :])
    chn = np.einsum("qpr,pq,qr->pqr", cov[:, 2:, :2], 1 / g, 1 / g)
    return mf.Motifs(con, div, chn, 0.0)


def parameters(own, **changes):
    g = np.array([[0.5, 0.8], [0.6, 0.4]])
    about = {"N": N, "fractions": ALPHA, "mean": [[0.002, -0.004], [0.003, -0.001]], "g": g}
    about |= {"motifs": motifs_of(own, g), "input": 0.3, "strengths": own}
    return mf.Parameters.of(**(about | changes))


@pytest.fixture(scope="module")
def own():
    return given(np.random.default_rng(3))


@pytest.fixture(scope="module")
def made(own):
    return parameters(own)


def test_linear_features_follow_from_strengths(made):
    strengths = made.strengths
    total = np.einsum("q,mpq->mp", ALPHA, strengths.mean_in)
    np.testing.assert_allclose(strengths.mean_feature[..., 0], total, atol=1e-15)
    sent = np.einsum("p,mqp->mq", N * ALPHA, strengths.mean_out)
    np.testing.assert_allclose(strengths.mean_feature[..., 1], sent, atol=1e-15)
    whole = np.asarray(strengths.covariance)
    T = np.array([[0.7, 0.3, 0, 0], [0, 0, 0.7 * N, 0.3 * N]])
    np.testing.assert_allclose(whole[:, 4:, :4], T @ whole[:, :4, :4], atol=1e-14)
    np.testing.assert_allclose(whole[:, :4, :4], synaptic_units(made), rtol=1e-9, atol=1e-15)


def test_missing_components_have_no_weight(made):
    assert made.strengths.components == 3
    assert np.asarray(made.strengths.weight)[2, 0] == 0
    np.testing.assert_allclose(np.asarray(made.strengths.weight).sum(0), 1)


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_files_give_the_same_numbers(made, tmp_path, suffix):
    made.save(path := tmp_path / f"network{suffix}")
    again = mf.Parameters.load(path)
    assert again.strengths.features == ("in", "out")
    for a, b in zip(jax.tree.leaves(made), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(a, b)


def test_empirical_strengths_in_a_file(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 5, 4)) * [0.1, 0.1, 1e-3, 1e-3]
    values -= values.mean(1, keepdims=True)
    parts = {"weights": [[0.2] * 5] * 2, "means": values.tolist()}
    parts |= {"covariances": [np.zeros((1, 4, 4)).tolist()] * 2, "quenched": True}
    own = mf.Parameters.of(N=100, fractions=[0.5, 0.5], mean=0.0, g=1.0, strengths=parts)
    assert own.strengths.covariances.shape == (1, 2, 4, 4)
    own.save(path := tmp_path / "network.json")
    again = mf.Parameters.load(path).strengths
    assert again.quenched
    np.testing.assert_array_equal(again.means, own.strengths.means)
    assert again.covariances.shape == (1, 2, 4, 4)


def test_rescaled_keeps_the_limit(made):
    far = made.rescaled(4000)
    np.testing.assert_allclose(far.strengths.mean_in, made.strengths.mean_in)
    np.testing.assert_allclose(far.strengths.mean_out * 10, made.strengths.mean_out)
    np.testing.assert_allclose(far.strengths.gamma * 10, made.strengths.gamma)
    np.testing.assert_allclose(far.strengths.feature_covariance, made.strengths.feature_covariance)
    for a, b in zip(explained(far), explained(made), strict=True):  # a share of order 1/N
        np.testing.assert_allclose(10 * np.asarray(a), b, rtol=1e-12)


def test_what_assortativity_explains_in_loops(made):
    C, gamma = np.asarray(made.strengths.feature_covariance), np.asarray(made.strengths.gamma)
    variance, back = explained(made)
    for p in range(2):
        for q in range(2):
            own = gamma[p, q] @ C[q] @ gamma[p, q].T @ C[p]
            other = gamma[p, q] @ C[q] @ gamma[q, p] @ C[p]
            np.testing.assert_allclose(variance[p, q], N * np.trace(own), rtol=1e-12)
            np.testing.assert_allclose(back[p, q], N * np.trace(other), rtol=1e-12)


def test_scalars_by_name(made):
    gamma = mf.scalar("gamma[2,1,in,out]", made)
    assert gamma.get(made) == float(made.strengths.gamma[1, 0, 0, 1])
    assert float(gamma.set(made, 2.0).strengths.gamma[1, 0, 0, 1]) == 2.0
    weight = mf.scalar("weight[2,3]", made)
    changed = np.asarray(weight.set(made, 0.5).strengths.weight)
    assert changed[2, 1] == 0.5
    np.testing.assert_allclose(changed.sum(0), 1)
    np.testing.assert_array_equal(changed[:, 0], made.strengths.weight[:, 0])
    assert not np.any(mf.scalar("factor(gamma)", made).set(made, 0.0).strengths.gamma)
    assert {"gamma[1,2,out,out]", "weight[1,2]"} <= set(names(made))
    for wrong in ("gamma[1,2,in]", "gamma[1,2,in,up]", "weight[1,7]"):
        with pytest.raises(ParameterError, match=r"gamma|weight"):
            mf.scalar(wrong, made)
    with pytest.raises(ParameterError, match="no parameter 'gamma'"):
        mf.scalar("gamma[1,1,in,in]", made.with_strengths(None))


def test_parts_are_left_out(made):
    without = made.strengths.without
    assert not np.any(without("convergent").mean_in)
    assert np.any(without("convergent").mean_out)
    assert not np.any(without("chain").cov_out_in)
    assert np.any(without("chain").cov_in)
    assert not np.any(without("assortativity").gamma)
    assert np.any(without("chain").gamma)
    assert not any(np.any(v) for v in (without().mean_in, without().mean_out, without().gamma))
    assert not np.any(made.without_motifs().strengths.gamma)


def test_wrong_components_are_refused(own):
    widths = [1e-3 * np.asarray(S) for S in own["covariances"]]
    cases = {
        "sum to 1": {"weights": [[0.5, 0.6], own["weights"][1]]},
        "must be 0": {"means": [[[0.1] * 4, [0.1] * 4], own["means"][1]]},
        "do not fit": {"means": [own["means"][0][:1], own["means"][1]]},
        "gamma has shape": {"gamma": np.zeros((2, 2, 3, 3)).tolist()},
        r"features \[\] it needs": {"features": []},
        "no linear function": {"features": ["in", "in^2"]},
        "no entry 'width'": {"width": 1},
        "one entry per population": {"weights": own["weights"][:1]},
        "positive semidefinite": {"covariances": [(-S).tolist() for S in widths]},
    }
    for text, change in cases.items():
        with pytest.raises(ParameterError, match=text):
            parameters(own).with_strengths({**own, **change})


def test_components_must_have_the_covariance_of_the_motifs(own):
    with pytest.raises(InfeasibleStatisticsError, match=r"population 1.*u\[1\] and u\[1\]"):
        parameters(own, motifs=mf.Motifs())
    parameters({**own, "quenched": True}, motifs=mf.Motifs())  # given rows hold more than motifs


def test_an_unknown_entry_of_a_file_is_named(made, tmp_path):
    made.save(path := tmp_path / "network.toml")
    path.write_text(path.read_text().replace("quenched =", "frozen ="))
    with pytest.raises(SpecError, match="frozen"):
        mf.Parameters.load(path)
