"""Coordinates of motifs: every point is a network that exists, given ones are found again, what is
fixed stays.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.fitting.motif_coordinates import FreeMotifs, MotifCoordinates
from motifield.numerics.parameters.feasibility import violations

NAMES = ("tau_con", "tau_div", "tau_chn", "tau_rec")
ALL = FreeMotifs.classes("chain", "reciprocal")
EQUAL_SOURCES = FreeMotifs(
    (
        "tau_con[E,E,E]",
        "tau_con[E,I,I]",
        "tau_con[I,E,E]",
        "tau_con[I,I,I]",
        "tau_div",
        "tau_chn[E,*,*]",
    )
)


def worst(parameters):
    return max((amount for *_, amount in violations(parameters)), default=0.0)


def made(motifs=None, g=((0.3, 0.5), (0.7, 0.2)), **others):
    return mf.Parameters.of(
        populations=["E", "I"],
        N=1000,
        fractions=[0.8, 0.2],
        mean=[[0.001, -0.006], [0.002, -0.003]],
        g=g,
        motifs=motifs,
        **others,
    )


def assert_same(own, other, names=NAMES, atol=1e-12, rtol=1e-7):
    for name in names:
        np.testing.assert_allclose(
            own[name] if isinstance(own, dict) else getattr(own, name),
            getattr(other, name),
            rtol,
            atol,
            err_msg=name,
        )


@pytest.mark.parametrize("size", [0.5, 5.0, 60.0])
@pytest.mark.parametrize("P", [1, 2, 3])
def test_every_point_exists(network_of, P, size):
    """Shares of nearly 0 and nearly 1, correlations of nearly +-1 among them."""
    base = network_of(P, seed=4)
    own = MotifCoordinates.of(ALL, base)
    points = np.random.default_rng(3).normal(0, size, (20, len(own)))
    tensors = jax.jit(jax.vmap(own.tensors))(jnp.asarray(points))
    for k in range(len(points)):
        point = base.replace(**{name: np.asarray(v[k]) for name, v in tensors.items()})
        assert worst(point) < (1e-9 if size < 10 else 1e-7), (
            k
        )  # roots of rounding where nothing is left for the residual
        assert np.all(np.isfinite(point.tau_chn))


def test_random_starts_exist_and_have_the_sizes_that_they_should(two_populations):
    own = MotifCoordinates.of(ALL, two_populations)
    N = float(two_populations.N)
    points = own.random(np.random.default_rng(0), 300, N)
    tensors = jax.vmap(own.tensors)(jnp.asarray(points))
    shares = N * np.einsum("nqrr->nqr", tensors["tau_con"])
    assert shares.min() > 0.05
    assert 10 < shares.max() < 20
    correlation = tensors["tau_chn"] / np.sqrt(
        np.einsum("nqpp->npq", tensors["tau_div"])[..., None]
        * np.einsum("nqrr->nqr", tensors["tau_con"])[:, None]
    )
    assert correlation.min() < -0.5
    assert correlation.max() > 0.5
    assert all(
        worst(two_populations.replace(**{k: np.asarray(v[n]) for k, v in tensors.items()})) < 1e-12
        for n in range(20)
    )


@pytest.mark.parametrize("network", ["two_populations", "three_populations"])
def test_given_motifs_are_found_again(network, request):
    """All but the divergence onto different targets, which takes the value of least rank:
    tau_div[q,p,o] = sqrt(d d') (X X^T)[p,o].
    """
    base = request.getfixturevalue(network)
    own = MotifCoordinates.of(ALL, base)
    u = own.coordinates(base)
    found = own.tensors(jnp.asarray(u))
    assert_same(found, base, ("tau_con", "tau_chn", "tau_rec"))
    np.testing.assert_allclose(
        np.einsum("qpp->qp", found["tau_div"]), np.einsum("qpp->qp", base.tau_div)
    )
    np.testing.assert_allclose(own.coordinates(own.set(base, jnp.asarray(u))), u, atol=1e-8)
    rec = MotifCoordinates.of(
        FreeMotifs(("tau_rec", "tau_div", "tau_con[*,E,E]") if base.P == 2 else ("tau_rec",)), base
    )
    assert_same(rec.tensors(jnp.asarray(rec.coordinates(base))), base)


def test_in_strengths_that_are_one_variable_are_found_again():
    """tau_con[q,r,s] equal for all r, s: a correlation of 1 between in-strengths from different
    sources.
    """
    base = made(mf.Motifs(convergent=0.02, divergent=0.03, chain=0.01, reciprocal=0.1))
    own = MotifCoordinates.of(ALL, base)
    assert_same(
        own.tensors(jnp.asarray(own.coordinates(base))),
        base,
        ("tau_con", "tau_chn", "tau_rec"),
        rtol=2e-4,
    )
    fixed = MotifCoordinates.of(FreeMotifs(("tau_div", "tau_rec")), base)
    assert_same(fixed.tensors(jnp.asarray(fixed.coordinates(base))), base)


def test_coefficients_that_are_not_free_stay(two_populations):
    own = MotifCoordinates.of(FreeMotifs(("tau_con[E,E,E]", "tau_rec[E,I]")), two_populations)
    assert own.entries == ("tau_con[E,E,E]", "tau_rec[E,I]")
    moved = own.tensors(jnp.asarray(own.coordinates(two_populations)) + jnp.array([0.7, -0.4]))
    assert moved["tau_con"][0, 0, 0] > 1.5 * two_populations.tau_con[0, 0, 0]
    assert moved["tau_rec"][0, 1] < two_populations.tau_rec[0, 1] - 0.1
    assert moved["tau_rec"][0, 1] == moved["tau_rec"][1, 0]
    np.testing.assert_allclose(moved["tau_con"][1], two_populations.tau_con[1], rtol=1e-12)
    np.testing.assert_allclose(moved["tau_con"][0, 1, 1], two_populations.tau_con[0, 1, 1])
    np.testing.assert_allclose(moved["tau_div"], two_populations.tau_div, rtol=1e-12)
    # beside a share that changes, correlations stay
    ratio = np.sqrt(moved["tau_con"][0, 0, 0] / two_populations.tau_con[0, 0, 0])
    np.testing.assert_allclose(moved["tau_con"][0, 0, 1], two_populations.tau_con[0, 0, 1] * ratio)
    np.testing.assert_allclose(moved["tau_chn"][1, 0, 0], two_populations.tau_chn[1, 0, 0] * ratio)
    np.testing.assert_allclose(moved["tau_chn"][1, 1, 0], two_populations.tau_chn[1, 1, 0])


def test_chains_alone_change_with_their_own_entries(two_populations):
    """One row of chains free, those through other neurons and onto other targets stay."""
    own = MotifCoordinates.of(FreeMotifs(("tau_chn[E,I,*]",)), two_populations)
    moved = own.tensors(jnp.asarray(own.coordinates(two_populations)) + 0.3)
    changed = np.asarray(~np.isclose(moved["tau_chn"], two_populations.tau_chn, rtol=1e-9))
    assert changed[0, 1].all()
    assert changed.sum() == 2
    assert_same(moved, two_populations, ("tau_con",))


def test_empty_blocks_have_no_coordinates():
    base = made(mf.Motifs(convergent=0.01, divergent=0.01), g=[[0.3, 0.5], [0.0, 0.2]])
    own = MotifCoordinates.of(ALL, base)
    assert not [
        name
        for name in own.entries
        if name
        in ("tau_con[I,E,E]", "tau_div[E,I,I]", "tau_rec[E,I]", "tau_chn[I,E,E]", "tau_chn[E,I,E]")
    ]
    moved = own.tensors(jnp.asarray(own.coordinates(base)) + 0.5)
    for name, index in (
        ("tau_con", (1, 0, 0)),
        ("tau_div", (0, 1, 1)),
        ("tau_chn", (1, 0, 0)),
        ("tau_chn", (0, 1, 0)),
    ):
        np.testing.assert_allclose(
            moved[name][index], getattr(base, name)[index], err_msg=f"{name}{index}"
        )


def test_a_free_coefficient_of_nothing_starts_very_small():
    base = made()
    own = MotifCoordinates.of(ALL, base)
    found = own.tensors(jnp.asarray(own.coordinates(base)))
    np.testing.assert_allclose(np.einsum("qrr->qr", found["tau_con"]), 1e-9, rtol=1e-6)
    np.testing.assert_allclose(found["tau_chn"], 0.0, atol=1e-12)


def test_tied_coefficients_are_equal_and_are_one_coordinate():
    base = made(mf.Motifs(convergent=0.02, divergent=0.01, chain=0.002))
    own = MotifCoordinates.of(
        FreeMotifs(free=("tau_con[E,E,E]",), tied=("tau_div[*,*,*]", "tau_con[I,*,*]")), base
    )
    assert len(own) == 3
    moved = own.tensors(jnp.array([-3.0, -2.0, -1.0]))
    c, d = np.einsum("qrr->qr", moved["tau_con"]), np.einsum("qpp->pq", moved["tau_div"])
    np.testing.assert_allclose(c[1] / (1 - c[1] - d[1]), np.exp(-2.0))
    np.testing.assert_allclose(
        d[:, 1] / (1 - c - d)[:, 1],
        np.exp(-3.0) * np.array([(1 - c[0, 1]) / (1 - c[0, 1]), 1.0]),
        rtol=0.05,
    )
    shared = MotifCoordinates.of(FreeMotifs.classes("chain", tied=True), base)
    assert shared.labels == ("tau_con[*,*,*]", "tau_div[*,*,*]", "tau_chn[*,*,*]")
    found = shared.tensors(jnp.array([-4.0, -3.0, 0.2]))
    for name in ("tau_con", "tau_div"):
        values = np.einsum("qrr->qr", found[name])
        np.testing.assert_allclose(values, values[0, 0])


def test_derivatives_are_finite_and_right(two_populations):
    """Also where free coefficients are 0, against central differences."""
    for base in (two_populations, made()):
        own = MotifCoordinates.of(ALL, base)
        u = jnp.asarray(own.coordinates(base))

        def flat(u, own=own):
            return jnp.concatenate([v.ravel() for v in own.tensors(u).values()])

        steps = 1e-5 * np.eye(len(own))
        numeric = jax.vmap(lambda h, u=u, flat=flat: (flat(u + h) - flat(u - h)) / 2e-5)(steps)
        np.testing.assert_allclose(jax.jacfwd(flat)(u).T, numeric, atol=1e-9)


@pytest.mark.parametrize(
    ("free", "message"),
    [
        (("mean[E,E]",), r"'mean\[E,E\]' is no motif coefficient: free motifs are named tau_con"),
        (
            ("tau_chn[E,E,E]",),
            r"tau_chn\[E,E,E\] can only be 0: tau_con\[E,E,E\] is 0 and not free; free it too",
        ),
        (("tau_chn[E,X,E]",), "no population 'X'"),
        (("tau_con[E,E,E]", "tau_chn[E,E,E]"), r"can only be 0: tau_div\[E,E,E\] is 0"),
    ],
)
def test_refusals(free, message):
    with pytest.raises(ParameterError, match=message):
        MotifCoordinates.of(FreeMotifs(free), made())


def test_chains_that_share_a_bound_must_all_be_free():
    base = made(mf.Motifs(convergent=[[[0.02, 0], [0, 0.02]]] * 2, divergent=0.02, chain=0.005))
    with pytest.raises(
        ParameterError,
        match=r"chains through E onto I share a bound, and some that are not 0 are not "
        r"free: free tau_chn\[I,E,\*\]",
    ):
        MotifCoordinates.of(FreeMotifs(("tau_chn[I,E,E]",)), base)


def test_chains_whose_in_strengths_are_correlated_change_together():
    base = made(mf.Motifs(convergent=0.02, divergent=0.02))
    with pytest.raises(
        ParameterError,
        match=r"in-strengths of population I from different sources are correlated.*free "
        r"tau_chn\[E,I,\*\]",
    ):
        MotifCoordinates.of(FreeMotifs(("tau_chn[E,I,E]",)), base)
    assert len(MotifCoordinates.of(FreeMotifs(("tau_chn[E,I,*]",)), base)) == 2


def test_classes_by_name():
    assert FreeMotifs.classes("chain").free == ("tau_con", "tau_div", "tau_chn")
    assert FreeMotifs.classes("reciprocal", tied=True).tied == ("tau_rec",)
    with pytest.raises(
        ParameterError, match="no motif 'loop': there are convergent, divergent, chain, reciprocal"
    ):
        FreeMotifs.classes("loop")
