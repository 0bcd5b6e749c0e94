"""Which statistics exist: every broken condition is named, and the nearest feasible statistics are
the nearest.
"""

import os
import re
import subprocess
import sys

import jax
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from motifield import Motifs, Parameters, check_feasible, nearest_feasible, violations
from motifield.errors import InfeasibleStatisticsError, NetworkError, ParameterError
from motifield.numerics import machine
from motifield.numerics.parameters import (
    check_numbers,
    feasible_batch,
    projection,
    residual_moments,
    strength_covariances,
    wrong_numbers,
)


def network(motifs, P=2, g=None, **options):
    names = ["E", "I", "S"][:P]
    rng = np.random.default_rng(P)
    g = rng.uniform(0.2, 1.0, (P, P)) if g is None else g
    return Parameters.of(
        populations=names,
        N=400,
        fractions=np.full(P, 1 / P),
        mean=0.0,
        g=g,
        motifs=motifs,
        **options,
    )


def full(value, *changes, P=2):
    tensor = np.full((P, P, P), value)
    for index, v in changes:
        tensor[index] = v
    return tensor


def test_covariance_matrix_by_its_definition(three_populations):
    """docs/theory.md, section 1.2: blocks tau_con[q,r,r'] g_qr g_qr', tau_chn[p,q,r] g_pq g_qr,
    tau_div[q,p,p'] g_pq g_p'q; here times N.
    """
    made, t = strength_covariances(three_populations), three_populations
    for q in range(3):
        for r in range(3):
            for s in range(3):
                assert made[q, r, s] == pytest.approx(
                    float(t.N * t.tau_con[q, r, s] * t.g[q, r] * t.g[q, s]), rel=1e-13
                )
                assert made[q, r, 3 + s] == pytest.approx(
                    float(t.N * t.tau_chn[s, q, r] * t.g[s, q] * t.g[q, r]), rel=1e-13
                )
                assert made[q, 3 + s, r] == made[q, r, 3 + s]
                assert made[q, 3 + r, 3 + s] == pytest.approx(
                    float(t.N * t.tau_div[q, r, s] * t.g[r, q] * t.g[s, q]), rel=1e-13
                )


def test_residual_moments_by_their_definition(three_populations):
    A, B = residual_moments(three_populations)
    t = three_populations
    for p in range(3):
        for q in range(3):
            assert A[p, q] == pytest.approx(
                float(1 - t.tau_con[p, q, q] - t.tau_div[q, p, p]), rel=1e-13
            )
            assert B[p, q] == pytest.approx(
                float(t.tau_rec[p, q] - t.tau_chn[p, q, p] - t.tau_chn[q, p, q]), rel=1e-12
            )


# (statistics, populations named, condition named, amount worked out by hand)
BROKEN = [
    # the chain E <- E <- I: .03 against sqrt(tau_div[E,E,E] tau_con[E,I,I]) = .02
    (
        Motifs(0.02, 0.02, full(0.0, ((0, 0, 1), 0.03)), 0.0),
        ("E", "E", "I"),
        "|tau_chn[E,E,I]| = 0.03 <= sqrt(tau_div[E,E,E] tau_con[E,I,I]) = 0.02",
        0.01,
    ),
    # a negative variance of in-strengths: tau_con[I,I,I] = -.01
    (
        Motifs(full(0.01, ((1, 1, 1), -0.01), ((1, 0, 1), 0.0), ((1, 1, 0), 0.0)), 0.01),
        ("I",),
        "the covariance of in- and out-strengths is positive semidefinite",
        None,
    ),
    # rows that correlate more than completely: tau_con[E,E,I] > sqrt(tau_con[E,E,E] tau_con[E,I,I])
    (Motifs(full(0.01, ((0, 0, 1), 0.02), ((0, 1, 0), 0.02))), ("E",), "smallest eigenvalue", None),
    # A_pq = 1 - .6 - .5
    (Motifs(0.6, 0.5), ("E", "E"), "A = 1 - tau_con[E,E,E] - tau_div[E,E,E] >= 0", 0.1),
    # A_EI = 1 - tau_con[E,I,I] - tau_div[I,E,E] = 1 - .7 - .6 alone
    (
        Motifs(full(0.0, ((0, 1, 1), 0.7)), full(0.0, ((1, 0, 0), 0.6))),
        ("E", "I"),
        "A = 1 - tau_con[E,I,I] - tau_div[I,E,E] >= 0",
        0.3,
    ),
    # B_EI = .9 against sqrt(A A') = 1 - .1 - .1
    (
        Motifs(0.1, 0.1, 0.0, [[0.0, 0.9], [0.9, 0.0]]),
        ("E", "I"),
        "|B| = |tau_rec[E,I] - tau_chn[E,I,E] - tau_chn[I,E,I]| = 0.9 <= sqrt(A A') = 0.8",
        0.1,
    ),
    # a residual reciprocity made by chains alone: |0 - .06 - .06| against 1 - .94
    (
        Motifs(0.47, 0.47, full(0.0, ((0, 0, 0), 0.06)), 0.0),
        ("E", "E"),
        "|B| = |tau_rec[E,E] - tau_chn[E,E,E] - tau_chn[E,E,E]| = 0.12",
        0.06,
    ),
]


@pytest.mark.parametrize(("motifs", "populations", "condition", "amount"), BROKEN)
def test_each_violation_names_population_condition_and_amount(
    motifs, populations, condition, amount
):
    parameters = network(motifs, check=False)
    found = [v for v in violations(parameters) if condition in v.condition]
    assert [v.populations for v in found] == [populations]
    if amount is not None:
        assert found[0].amount == pytest.approx(amount, rel=1e-9)
    text = f"population {' <- '.join(populations)}: "
    with pytest.raises(InfeasibleStatisticsError, match=re.escape(text)) as raised:
        check_feasible(parameters)
    assert condition in str(raised.value)
    assert f"fails by {found[0].amount:.3g}" in str(raised.value)
    assert "nearest_feasible" in str(raised.value)


def test_the_amount_of_a_negative_variance():
    """One population, tau_con = -.02: the smallest eigenvalue is -.02 N g^2, relative to the
    largest variance .05 N g^2.
    """
    parameters = network(Motifs(-0.02, 0.05), P=1, check=False)
    (found,) = violations(parameters)
    assert found.amount == pytest.approx(0.02 / 0.05, rel=1e-9)


def test_making_parameters_raises_the_same():
    with pytest.raises(InfeasibleStatisticsError, match="no network has these synaptic statistics"):
        network(Motifs(0.6, 0.5))
    assert issubclass(InfeasibleStatisticsError, ParameterError)


def test_many_violations_are_counted():
    parameters = network(Motifs(0.0, 0.0, 0.1), P=3, check=False)
    with pytest.raises(InfeasibleStatisticsError, match=r"and \d+ more"):
        check_feasible(parameters)


def test_feasible_statistics_have_no_violations(two_populations, three_populations):
    assert violations(two_populations) == violations(three_populations) == []


def test_an_empty_block_constrains_nothing():
    g = np.array([[0.5, 0.4], [0.3, 0.0]])
    con = full(0.02)
    con[1, 1, :] = con[1, :, 1] = 0
    assert violations(network(Motifs(con, 0.0), g=g)) == []


def distance(a, b):
    return sum(
        float(np.sum((np.asarray(x) - np.asarray(y)) ** 2))
        for x, y in zip(a.motifs, b.motifs, strict=True)
    )


def random_statistics(P, seed, scale):
    rng = np.random.default_rng(seed)
    con, div, chain = (rng.normal(size=(P, P, P)) * scale for _ in range(3))
    rec = rng.normal(size=(P, P)) * scale
    return Motifs(con + con.transpose(0, 2, 1), div + div.transpose(0, 2, 1), chain, rec + rec.T)


statistics = {
    "P": st.integers(1, 3),
    "seed": st.integers(0, 10**6),
    "scale": st.sampled_from([0.01, 0.1, 0.5]),
}


@settings(max_examples=25)
@given(**statistics)
def test_nearest_is_feasible_and_not_farther_than_other_candidates(P, seed, scale):
    wanted = network(random_statistics(P, seed, scale), P=P, check=False)
    near = nearest_feasible(wanted)
    assert violations(near) == []
    # candidates that are feasible: independent synapses, and the wanted statistics shrunk along the
    # line between
    shrunk = wanted.without_motifs()
    for share in np.linspace(0, 1, 21):
        candidate = wanted.replace(
            **{n: share * getattr(wanted, n) for n in ("tau_con", "tau_div", "tau_chn", "tau_rec")}
        )
        shrunk = candidate if not violations(candidate) else shrunk
    for candidate in (wanted.without_motifs(), shrunk):
        assert distance(near, wanted) <= distance(candidate, wanted) * (1 + 1e-6) + 1e-9
    np.testing.assert_array_equal(near.g, wanted.g)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), P=st.integers(1, 3))
def test_feasible_statistics_are_left_alone(seed, P, network_of):
    assert distance(nearest_feasible(network_of(P, seed)), network_of(P, seed)) == 0


def test_nearest_of_one_population_by_hand():
    """con = div = 0, chain c, rec = 0: the nearest block [[a, x], [x, a]] has a = x, so minimise
    2 a^2 + (a - c)^2 and, through B = rec - 2 a which is far from its bound 1 - 2 a, nothing else:
    a = c / 3.
    """
    near = nearest_feasible(network(Motifs(0.0, 0.0, 0.06, 0.0), P=1, check=False))
    np.testing.assert_allclose(
        [np.asarray(t).item() for t in near.motifs], [0.02, 0.02, 0.02, 0.0], atol=1e-6
    )


@pytest.mark.parametrize(
    ("excess", "tolerance"), [(1e-1, 1e-6), (1e-2, 1e-6), (1e-3, 1e-5), (1e-4, 1e-3)]
)
def test_small_violations_are_mended_accurately(excess, tolerance):
    """con = div = .02, chain = .02 + e, rec = .04: the same minimisation as above gives .02 + e / 3
    for all three.
    """
    near = nearest_feasible(network(Motifs(0.02, 0.02, 0.02 + excess, 0.04), P=1, check=False))
    moved = [(np.asarray(t).item() - 0.02) / (excess / 3) for t in near.motifs[:3]]
    np.testing.assert_allclose(moved, 1.0, atol=tolerance)


def test_nearest_with_an_empty_block():
    g = np.array([[0.5, 0.4], [0.3, 0.0]])
    con = full(0.02)
    con[1, 1, :] = con[1, :, 1] = 0
    chain = full(0.05)
    chain[1, 1, :] = chain[:, 1, 1] = 0
    near = nearest_feasible(network(Motifs(con, con, chain), g=g, check=False))
    assert violations(near) == []
    assert (
        not np.any(np.asarray(near.tau_con)[1, 1])
        or np.abs(np.asarray(near.tau_con)[1, 1]).max() < 1e-8
    )


@settings(max_examples=15)
@given(P=st.integers(1, 3), seed=st.integers(0, 10**6), scale=st.sampled_from([0.01, 0.1, 0.5, 10]))
def test_nearest_is_the_projection(P, seed, scale, network_of):
    """Of a convex set, x* is the point nearest to x just if (x - x*) . (y - x*) <= 0 for each y of
    the set.
    """
    wanted = network(random_statistics(P, seed, scale), P=P, check=False)
    near = nearest_feasible(wanted)
    pairs = list(zip(wanted.motifs, near.motifs, strict=True))
    for other in (wanted.without_motifs(), network_of(P, seed), network_of(P, seed + 1)):
        for share in (0.01, 1.0):
            slope = sum(
                float(np.sum(np.asarray(x - own) * np.asarray(share * y - own)))
                for (x, own), y in zip(pairs, other.motifs, strict=True)
            )
            assert slope <= 1e-6 * max(1.0, distance(near, wanted))


@pytest.mark.parametrize("P", [2, 3])
@pytest.mark.parametrize("scale", [1.0, 1e3, 1e5, 1e8])
def test_far_coefficients_take_no_more_steps(P, scale):
    """The larger they are, the less the nearest point depends on how large: it is the one that is
    farthest along them. It is found to a part of theirs, not of its own, so that of 1e8 no more is
    asked than that it is found, and that networks have it.
    """
    steps = []
    given = Motifs(*(scale * t for t in random_statistics(P, 1, 1.0)))
    near = nearest_feasible(
        network(given, P=P, check=False), progress=lambda *said: steps.append(said)
    )
    assert violations(near) == []
    assert len(steps) < 1000
    if scale < 1e6:
        farther = Motifs(*(10 * t for t in given))
        beyond = nearest_feasible(network(farther, P=P, check=False))
        assert distance(near, beyond) ** 0.5 < 20 * P**3 / scale + 1e-10 * scale


@pytest.mark.parametrize("unit", [1e-6, 1e-2, 1e3, 1e6])
def test_the_same_problem_in_other_units(unit):
    """Coefficients and the residual's variance, 1 in the theory, that are all so many times larger
    have the nearest coefficients that are so many times larger, in as many steps.
    """
    given, there = random_statistics(2, 3, 2.0), np.ones((2, 2), dtype=bool)

    def nearest(factor):
        steps = []
        scaled = Motifs(*(factor * t for t in given))
        found = projection.nearest_motifs(
            scaled, there, 1 - factor, lambda text, part: steps.append(part)
        )
        return found, len(steps)

    (plain, count), (other, others) = nearest(1.0), nearest(unit)
    for a, b in zip(plain, other, strict=True):
        np.testing.assert_allclose(b / unit, a, atol=1e-9)
    assert abs(others - count) <= 2


MANY = """
import re
import sys
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
from motifield import Motifs, Parameters, nearest_feasible, violations

P, rng = int(sys.argv[1]), np.random.default_rng(0)
con, div, chain = (0.02 * rng.normal(size=(P, P, P)) for _ in range(3))
rec = 0.02 * rng.normal(size=(P, P))
motifs = Motifs(con + con.transpose(0, 2, 1), div + div.transpose(0, 2, 1), chain, rec + rec.T)
about = {"N": 100 * P, "fractions": np.full(P, 1 / P), "mean": 0.0, "g": 0.1}
parts = []
wanted = Parameters.of(**about, motifs=motifs, check=False)
near = nearest_feasible(wanted, progress=lambda text, part: parts.append(part))
assert violations(near) == []
assert parts[0] < 0.2 and parts[-1] > 0.7, parts
# the peak of this program alone: getrusage begins with that of the program that started it
print(int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 2**20)
"""


@pytest.mark.parametrize("P", [24, pytest.param(64, marks=pytest.mark.slow)])
def test_nearest_of_many_populations_takes_little_memory(P):
    """In GiB; 16 were taken at P = 40."""
    run = [sys.executable, "-c", MANY, str(P)]
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # small matrices: threads only wait
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=alone)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < (2 if P > 24 else 0.5)


def test_populations_beyond_memory_are_refused(monkeypatch):
    monkeypatch.setattr(machine, "available_memory", lambda: 2**10)
    with pytest.raises(NetworkError, match="motifs of 2 populations needs .* GiB are free"):
        nearest_feasible(network(Motifs(0.0, 0.0, 0.06, 0.0), check=False))


def test_what_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setattr(projection, "MOST_STEPS", 3)
    with pytest.raises(InfeasibleStatisticsError, match="after 3 steps, coefficients still change"):
        nearest_feasible(network(Motifs(0.0, 0.0, 0.06, 0.0), check=False))


def test_conditions_of_many_sets_are_those_of_each():
    """Every kind of violation once, beside statistics that exist, and numbers that none have."""
    cases = [Motifs.shared(0.01), *(motifs for motifs, *_ in BROKEN)]
    sets = [network(m, tau_inp=0.0, check=False) for m in cases]
    sets += [network(Motifs.shared(0.01), tau_inp=t, check=False) for t in (0.05, 0.2)]
    batch = jax.tree.map(lambda *v: np.stack(v), *sets)
    each = [not violations(own) for own in sets]
    assert feasible_batch(batch).tolist() == each
    assert each == [True, *(False for _ in BROKEN), True, False]
    assert not wrong_numbers(batch).any()
    same = jax.tree.map(lambda v: np.stack([v, v]), sets[1])  # looked at once
    assert feasible_batch(same).tolist() == [False, False]
    with pytest.raises(ParameterError, match="make it with stacked"):
        feasible_batch(sets[0])


def test_numbers_that_no_network_has_are_found_in_a_batch():
    good = network(Motifs.shared(0.01))
    changes = [
        {},
        {"g": [[-0.1, 0.2], [0.2, 0.2]]},
        {"mean": [[np.nan, 0], [0, 0]]},
        {"fractions": [0.6, 0.6]},
        {"N": 0.5},
        {"noise": [-1.0, 0.0]},
        {"tau_rec": [[0.0, 0.1], [0.2, 0.0]]},
        {"mean": [[1e60, 0], [0, 0]]},
    ]
    sets = [good.replace(**{n: np.asarray(v, float) for n, v in own.items()}) for own in changes]
    batch = jax.tree.map(lambda *v: np.stack(v), *sets)
    assert wrong_numbers(batch).tolist() == [bool(own) for own in changes]
    for own in sets[1:]:
        with pytest.raises(ParameterError):
            check_numbers(own)
