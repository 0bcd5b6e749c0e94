"""Every network of a JSON file of numbers made elsewhere: fixed points, trajectories, eigenvalues,
sampled networks.

The file is the one that MOTIFIELD_CASES names, by default the copy beside this test; README.md
beside it says how it was made.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import motifield as mf

CASES = json.loads(
    Path(os.environ.get("MOTIFIELD_CASES", Path(__file__).with_name("cases.json"))).read_text()
)
CLOSURES = {
    "motif": "MotifOnly",
    "low-rank": "LowRank",
    "second-moment": "SecondMoment",
    "cavity": "Cavity",
}
NETWORKS = 16


def parameters(case) -> mf.Parameters:
    motifs = mf.Motifs(case["tau_con"], case["tau_div"], case["tau_chn"], case["tau_rec"])
    return mf.Parameters.of(
        N=case["N"],
        fractions=case["alpha"],
        mean=case["mean"],
        g=case["g"],
        motifs=motifs,
        input=case["input"],
    )


@pytest.fixture(scope="module")
def compiled(system_of):
    """Networks of one transfer function and one closure share their compiled equations."""

    def of(case, closure):
        first, *others = dict.fromkeys(case["phi"])
        if not others:
            return system_of(first, CLOSURES[closure])
        populations = tuple(str(k + 1) for k in range(len(case["phi"])))
        return system_of(tuple(case["phi"]), CLOSURES[closure], populations=populations)

    return of


QUICK = "E/I, rectified linear, mixed motifs"  # averages in closed form, which compile in seconds
# Every network in one closure, this one in all; the others are slow tests.
QUICK_CLOSURES = {
    "one population, softplus, chains": {"low-rank"},
    "E/I, softplus, positive chains": {"second-moment"},
    "E/I, softplus, negative chains": {"second-moment"},
    QUICK: {"motif", "low-rank", "second-moment"},
    "E/I, 1+tanh, strong reciprocity": {"motif"},
    "four populations, threshold-quadratic and erf": {"low-rank"},
    "three populations, logistic, large variance": {"second-moment"},
}


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[pytest.mark.slow] * (c["name"] != QUICK)) for c in CASES],
    ids=[c["name"] for c in CASES],
)
def test_fixed_point_of_neurons_that_feel_their_own_rate(case, compiled):
    """`Cavity` at every fixed point."""
    stored = case["results"]["cavity"]["fixed_point"]
    point = mf.fixed_point(compiled(case, "cavity"), parameters(case), settle=20.0)
    assert point.status == "ok"
    for name in ("mean", "variance", "rate"):
        np.testing.assert_allclose(
            point.dataset[name], stored[name], rtol=0, atol=1e-8, err_msg=name
        )


def is_quick(case, closure):
    """Networks of another file (MOTIFIELD_CASES) are all quick."""
    return closure in QUICK_CLOSURES.get(case["name"], CLOSURES)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((c["name"], closure), marks=[pytest.mark.slow] * (not is_quick(c, closure)))
        for c in CASES
        for closure in CLOSURES
        if closure != "cavity"
    ],
    ids=str,
)
def solved(request, compiled):
    name, key = request.param
    case = next(c for c in CASES if c["name"] == name)
    system, result = compiled(case, key), case["results"][key]
    ts = [s["t"] for s in result["trajectory"]]
    course = mf.integrate(system, parameters(case), ts[-1], saveat=ts)
    end = course.dataset.isel(time=-1)
    start = {name: end[name].values for name in ("mean", "kappa")}
    return result, course, mf.fixed_point(system, parameters(case), start, settle=0.0)


def test_fixed_point(solved):
    """The one to which the trajectory leads."""
    result, _, point = solved
    assert point.status == "ok"
    for name in ("mean", "variance", "kappa", "rate"):
        np.testing.assert_allclose(
            point.dataset[name], result["fixed_point"][name], rtol=0, atol=1e-8, err_msg=name
        )


def test_eigenvalues(solved):
    result, _, point = solved
    expected = np.array([complex(*e) for e in result["jacobian_eigenvalues"]])
    assert len(point.eigenvalues) == len(expected)
    # each matched with its nearest, since the order among equal real parts is arbitrary
    distance = np.abs(point.eigenvalues[:, None] - expected[None, :])
    assert distance.min(axis=0).max() < 1e-4
    assert distance.min(axis=1).max() < 1e-4


def test_trajectory(solved):
    result, ours, _ = solved
    steps = result["trajectory"]
    assert ours.status == "ok"
    for name in ("mean", "variance", "kappa"):
        np.testing.assert_allclose(
            ours.dataset[name], [s[name] for s in steps], rtol=0, atol=1e-5, err_msg=name
        )


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_sampled_networks(case, compiled):
    """Two ensembles of the same networks: their means differ by less than 4 standard errors of the
    difference.

    The standard error combines both ensembles' errors: their pooled variance, times 1/n + 1/m.
    """
    stored = case["sampled_networks"]
    system = compiled(case, "low-rank")
    par, n = parameters(case), stored["n"]
    runs = []
    for seed in range(NETWORKS):
        network = mf.sample(par, seed, dtype=np.float32)
        end = mf.simulate(
            system, network, t1=stored["t_end"], saveat=[stored["t_end"]]
        ).dataset.isel(time=-1)
        runs.append(
            np.stack(
                [end[name].values for name in ("mean", "variance", "rate", "rate_sd")], axis=-1
            )
        )
    ours, theirs = np.array(runs), np.array(stored["mean"])
    variance_of_one = n * np.array(stored["sem"]) ** 2
    pooled = ((NETWORKS - 1) * ours.var(axis=0, ddof=1) + (n - 1) * variance_of_one) / (
        NETWORKS + n - 2
    )
    z = (ours.mean(axis=0) - theirs) / np.sqrt(pooled * (1 / NETWORKS + 1 / n))
    assert stored["columns"] == ["mean input", "variance of input", "mean rate", "std of rate"]
    assert np.abs(z).max() < 4, z
