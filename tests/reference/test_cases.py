"""Every network of a JSON file of numbers made elsewhere: fixed points, trajectories, eigenvalues, sampled networks.

The file is the one that MOTIFIELD_CASES names, by default the copy beside this test; README.md beside it says how it was made.
"""

import json
import math
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.numerics.averages.feedback import Moments

CASES = json.loads(
    Path(os.environ.get("MOTIFIELD_CASES", Path(__file__).with_name("cases.json"))).read_text()
)
CLOSURES = {"motif": mf.MotifOnly(), "low-rank": mf.LowRank(), "second-moment": mf.SecondMoment()}
NETWORKS = 16

# The reference's rule: 120 panels of 24 nodes over |z| <= 10 (README.md).
_x, _w = np.polynomial.legendre.leggauss(24)
_edges = np.linspace(-10, 10, 121)
_half = np.diff(_edges)[:, None] / 2
Z = ((_edges[1:] + _edges[:-1])[:, None] / 2 + _half * _x).ravel()
W = (_half * _w).ravel() * np.exp(-(Z**2) / 2) / math.sqrt(2 * math.pi)


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


def architecture(case) -> mf.Architecture:
    return mf.Architecture([str(k + 1) for k in range(len(case["alpha"]))], case["phi"])


def is_kinked(case) -> bool:
    return any(f.pieces.breaks for f in architecture(case).transfer)


def slope(f):
    return lambda x: jax.jvp(f, (x,), (jnp.ones_like(x),))[1]


def with_reference_rule(system: mf.types.System, P: int) -> mf.types.System:
    """The same generated equations, with averages by the reference's quadrature instead of the exact ones."""
    module = system.module
    which = module.TRANSFER_OF or (0,) * P

    def rule(order: int, power: int):
        def average(mu, Delta):
            values = []
            for p in range(P):
                f = module.TRANSFER[which[p]]
                for _ in range(order):
                    f = slope(f)
                values.append(
                    jnp.sum(
                        W * f(mu[..., p, None] + jnp.sqrt(Delta)[..., p, None] * Z) ** power,
                        axis=-1,
                    )
                )
            return jnp.stack(values, axis=-1)

        return average

    mean_rate, mean_gain = rule(0, 1), rule(1, 1)
    module.second_moment = rule(0, 2)
    # generated code asks for the mean rate, or for it and its slope
    mean_rate.derivatives = lambda mu, Delta: (mean_rate(mu, Delta), mean_gain(mu, Delta))
    module.mean_rate, module.mean_gain = mean_rate, mean_gain
    return system


def with_reference_rule_in_fields(system: mf.types.System, P: int) -> mf.types.System:
    """The same for neurons that feel their own rate: the reference's nodes in h, a Newton solve for x at each."""
    module = system.module
    which = module.TRANSFER_OF or (0,) * P

    def averages(mu, Delta, Gamma):
        found = []
        for p in range(P):
            f, df = module.TRANSFER[which[p]], slope(module.TRANSFER[which[p]])
            x = h = mu[p] + jnp.sqrt(Delta[p]) * Z
            for _ in range(12):  # differentiated through: the last step is exact at a solution
                x = x - (x - h - Gamma[p] * f(x)) / (1 - Gamma[p] * df(x))
            found.append(
                [
                    jnp.sum(W * f(x)),
                    jnp.sum(W * df(x) / (1 - Gamma[p] * df(x))),
                    jnp.sum(W * f(x) ** 2),
                ]
            )
        return Moments(*jnp.stack([jnp.stack(own) for own in found], axis=-1))

    averages.validity = module.averages.validity
    module.averages = averages
    return system


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_fixed_point_of_neurons_that_feel_their_own_rate(case):
    """`Cavity` at every fixed point; kinked transfer functions by the reference's rule, and exactly within that rule's error."""
    stored, P = case["results"]["cavity"]["fixed_point"], len(case["alpha"])
    system, par = mf.compile(mf.derive(architecture(case), mf.Cavity())), parameters(case)
    tolerance = 1e-3 if is_kinked(case) else 1e-7
    point = mf.fixed_point(system, par, settle=20.0)
    assert point.status == "ok"
    for name in ("mean", "variance", "rate"):
        np.testing.assert_allclose(
            point.dataset[name], stored[name], rtol=0, atol=tolerance, err_msg=name
        )
    if is_kinked(case):
        ruled = mf.fixed_point(
            with_reference_rule_in_fields(mf.compile(system.mean_field), P), par, settle=20.0
        )
        for name in ("mean", "variance", "rate"):
            np.testing.assert_allclose(
                ruled.dataset[name], stored[name], rtol=0, atol=1e-7, err_msg=name
            )


@pytest.fixture(
    scope="module", params=[(c["name"], closure) for c in CASES for closure in CLOSURES], ids=str
)
def solved(request):
    name, key = request.param
    case = next(c for c in CASES if c["name"] == name)
    system = mf.compile(mf.derive(architecture(case), CLOSURES[key]))
    if is_kinked(case):
        system = with_reference_rule(system, len(case["alpha"]))
    return case, case["results"][key], system, mf.fixed_point(system, parameters(case))


def test_fixed_point(solved):
    _, result, _, point = solved
    assert point.status == "ok"
    for name in ("mean", "variance", "kappa", "rate"):
        np.testing.assert_allclose(
            point.dataset[name], result["fixed_point"][name], rtol=0, atol=1e-8, err_msg=name
        )


def test_eigenvalues(solved):
    _, result, _, point = solved
    expected = np.array([complex(*e) for e in result["jacobian_eigenvalues"]])
    assert len(point.eigenvalues) == len(expected)
    # each matched with its nearest, since the order among equal real parts is arbitrary
    distance = np.abs(point.eigenvalues[:, None] - expected[None, :])
    assert distance.min(axis=0).max() < 1e-4
    assert distance.min(axis=1).max() < 1e-4


def test_trajectory(solved):
    case, result, system, _ = solved
    steps = result["trajectory"]
    ts = [s["t"] for s in steps]
    ours = mf.integrate(system, parameters(case), ts[-1], saveat=ts)
    assert ours.attrs["status"] == "ok"
    for name in ("mean", "variance", "kappa"):
        np.testing.assert_allclose(
            ours[name], [s[name] for s in steps], rtol=0, atol=1e-5, err_msg=name
        )


@pytest.mark.parametrize("case", [c for c in CASES if is_kinked(c)], ids=lambda c: c["name"])
def test_exact_averages_of_kinked_functions_stay_within_the_rule_s_error(case):
    """A node of the rule carries at most .0043 of the normal mass, so that a jump of the slope puts a gain off by less than that."""
    system = mf.compile(mf.derive(architecture(case), mf.SecondMoment()))
    exact = mf.fixed_point(system, parameters(case))
    stored = case["results"]["second-moment"]["fixed_point"]
    assert exact.status == "ok"
    for name in ("mean", "variance", "kappa", "rate"):
        np.testing.assert_allclose(
            exact.dataset[name], stored[name], rtol=1e-3, atol=1e-3, err_msg=name
        )


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_sampled_networks(case):
    """Two ensembles of the same networks: their means differ by less than 4 standard errors of the difference.

    The standard error combines both ensembles' errors: their pooled variance, times 1/n + 1/m.
    """
    stored = case["sampled_networks"]
    system = mf.compile(mf.derive(architecture(case), mf.LowRank()))
    par, n = parameters(case), stored["n"]
    runs = []
    for seed in range(NETWORKS):
        network = mf.sample(par, seed, dtype=np.float32)
        end = mf.simulate(
            network, system.transfer, input=par.input, t1=stored["t_end"], saveat=[stored["t_end"]]
        ).isel(time=-1)
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
