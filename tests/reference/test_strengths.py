"""Every network of a JSON file of numbers made elsewhere, with mixtures of strengths and with
assortativity: fixed points, trajectories, eigenvalues, sampled networks.

The file is the one that MOTIFIELD_STRENGTHS names, by default the copy beside this test; README.md
beside it says how it was made.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import motifield as mf
from motifield.theory.architecture import Mixture

FILE = os.environ.get("MOTIFIELD_STRENGTHS", Path(__file__).with_name("strengths.json"))
CASES = json.loads(Path(FILE).read_text())
CLOSURES = {"motif": "MotifOnly", "low-rank": "LowRank", "second-moment": "SecondMoment"}
COLUMNS = {
    "mean input": "mean",
    "variance of input": "variance",
    "mean rate": "rate",
    "std of rate": "rate_sd",
}
NETWORKS = 16
SOLVED = [(case["name"], key) for case in CASES for key in case["results"]]
SAMPLED = [case for case in CASES if "sampled_networks" in case]


def parameters(case) -> mf.Parameters:
    own = case["strengths"]
    strengths = {name: [p[name] for p in own] for name in ("weights", "means", "covariances")}
    return mf.Parameters.of(
        populations=tuple(str(k + 1) for k in range(len(own))),
        N=case["N"],
        fractions=case["alpha"],
        mean=case["mean"],
        g=case["g"],
        motifs=mf.Motifs(case["tau_con"], case["tau_div"], case["tau_chn"], case["tau_rec"]),
        input=case["input"],
        strengths={"features": ("in", "out"), "gamma": case["gamma"], **strengths},
    )


@pytest.fixture(scope="module")
def compiled(system_of):
    """Networks of one transfer function and one closure share their compiled equations."""

    def of(case, closure):
        first, *others = dict.fromkeys(case["phi"])
        populations = tuple(str(k + 1) for k in range(len(case["phi"])))
        given = {"strengths": Mixture(), "assortativity": True}
        if not others:
            return system_of(first, CLOSURES[closure], **given)
        return system_of(tuple(case["phi"]), CLOSURES[closure], populations=populations, **given)

    return of


@pytest.fixture(scope="module", params=SOLVED, ids=str)
def solved(request, compiled):
    name, key = request.param
    case = next(c for c in CASES if c["name"] == name)
    system, own, result = compiled(case, key), parameters(case), case["results"][key]
    ts = [s["t"] for s in result["trajectory"]]
    course = mf.integrate(system, own, ts[-1], saveat=ts)
    end = course.dataset.isel(time=-1)
    start = {name: end[name].values for name in ("mean", "kappa", "theta")}
    return system, own, result, course, mf.fixed_point(system, own, start, settle=0.0)


def test_fixed_point(solved):
    """The one to which the trajectory leads."""
    _, _, result, _, point = solved
    assert point.status == "ok"
    for name in ("mean", "variance", "kappa", "theta", "rate"):
        np.testing.assert_allclose(
            point.dataset[name], result["fixed_point"][name], rtol=0, atol=1e-8, err_msg=name
        )


def test_components_and_the_spread_of_rates(solved):
    """Means and variances of x in every component, and the SD of rates over all of them."""
    system, own, result, _, point = solved
    stored = result["fixed_point"]
    shift, variance = system.module.components(point.state, system.coefficients(own))
    mean = point.state.K[None] + shift
    weight = np.asarray(own.strengths.weight)
    for p, (means, variances) in enumerate(
        zip(stored["component_mean"], stored["component_variance"], strict=True)
    ):
        there = weight[:, p] > 0
        np.testing.assert_allclose(mean[there, p], means, rtol=0, atol=1e-8)
        np.testing.assert_allclose(variance[there, p], variances, rtol=0, atol=1e-8)
    second = (weight * np.asarray(system.module.second_moment(mean, variance))).sum(axis=0)
    rate_sd = np.sqrt(second - np.asarray(stored["rate"]) ** 2)
    np.testing.assert_allclose(rate_sd, stored["rate_sd"], rtol=0, atol=1e-8)


def test_eigenvalues(solved):
    """Of (K, kappa, theta, s): 5 for each population."""
    _, _, result, _, point = solved
    expected = np.array([complex(*e) for e in result["jacobian_eigenvalues"]])
    assert len(expected) == len(point.eigenvalues)
    # each matched with its nearest, since the order among equal real parts is arbitrary
    distance = np.abs(point.eigenvalues[:, None] - expected[None, :])
    assert distance.min(axis=0).max() < 1e-4
    assert distance.min(axis=1).max() < 1e-4


def test_trajectory(solved):
    """Of these from rest, every variable."""
    _, _, result, ours, _ = solved
    steps = result["trajectory"]
    assert ours.status == "ok"
    for name in ("mean", "variance", "kappa", "theta", "rate"):
        if name in steps[0]:
            np.testing.assert_allclose(
                ours.dataset[name], [s[name] for s in steps], rtol=0, atol=1e-5, err_msg=name
            )


def scores(case, compiled, change=lambda own: own):
    """Of two ensembles of the same networks, the difference of means by its standard error.

    The standard error combines both ensembles' errors: their pooled variance, times 1/n + 1/m.
    """
    stored = case["sampled_networks"]
    system, own = compiled(case, "second-moment"), change(parameters(case))
    n, t1, names = stored["n"], stored["t_end"], [COLUMNS[c] for c in stored["columns"]]
    runs = []
    for seed in range(NETWORKS):
        network = mf.sample(own, seed, dtype=np.float32)
        end = mf.simulate(system, network, t1=t1, saveat=[t1]).dataset.isel(time=-1)
        runs.append(np.stack([end[name].values for name in names], axis=-1))
    ours, theirs = np.array(runs), np.array(stored["mean"])
    variance_of_one = n * np.array(stored["sem"]) ** 2
    pooled = ((NETWORKS - 1) * ours.var(axis=0, ddof=1) + (n - 1) * variance_of_one) / (
        NETWORKS + n - 2
    )
    return (ours.mean(axis=0) - theirs) / np.sqrt(pooled * (1 / NETWORKS + 1 / n))


@pytest.mark.slow
@pytest.mark.parametrize("case", SAMPLED, ids=lambda c: c["name"])
def test_sampled_networks(case, compiled):
    z = scores(case, compiled)
    assert np.abs(z).max() < 4, z
