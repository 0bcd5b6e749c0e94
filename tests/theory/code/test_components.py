"""Generated code with components of strengths: what it comes to, and what has none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ArchitectureError
from motifield.theory.architecture import Empirical, Gaussian, Mixture
from motifield.theory.code import generate, julia_module, numpy_module, xpp_ode
from motifield.theory.notation import STRENGTHS

EXPORTS = {
    "a NumPy module": numpy_module,
    "a Julia file": julia_module,
    "an XPPAUT file": lambda mean_field: xpp_ode(mean_field, {}),
}
CLOSURES = [mf.SecondMoment(), mf.LowRank(), mf.MotifOnly()]


@pytest.mark.parametrize("what", EXPORTS)
@pytest.mark.parametrize(
    ("given", "options"),
    [
        (r"strengths = Mixture\(\)", {"strengths": Mixture(2)}),
        (r"strengths = Empirical\(\)", {"strengths": Empirical(), "assortativity": True}),
        ("assortativity or patterns", {"patterns": ["m"]}),
    ],
)
def test_other_languages_refuse_components(what, given, options):
    mean_field = mf.derive(mf.Architecture(["E", "I"], "erf", **options), mf.SecondMoment())
    with pytest.raises(ArchitectureError, match=f"{what} cannot have {given}: .* save that, or"):
        EXPORTS[what](mean_field)


@pytest.mark.parametrize("closure", CLOSURES, ids=lambda c: c.name)
def test_one_component_is_the_gaussian_case(closure):
    names, rng = ["E", "I"], np.random.default_rng(2)
    given = {
        "populations": names,
        "N": 400,
        "fractions": [0.7, 0.3],
        "mean": [[0.004, -0.006], [0.005, -0.003]],
        "g": [[0.8, 1.1], [0.9, 1.2]],
        "motifs": mf.Motifs(
            rng.uniform(0.01, 0.02, (2, 2, 2)) + 0.05 * np.eye(2),
            rng.uniform(0.01, 0.02, (2, 2, 2)) + 0.05 * np.eye(2),
            rng.uniform(-0.01, 0.02, (2, 2, 2)),
            np.array([[0.1, 0.05], [0.05, -0.1]]),
        ),
        "input": 0.3,
    }
    given["motifs"] = symmetric(given["motifs"])
    found = []
    for strengths in (Gaussian(), Mixture()):
        mean_field = mf.derive(mf.Architecture(names, "Max(x, 0)", strengths=strengths), closure)
        own = {} if strengths == Gaussian() else {"strengths": {}}
        parameters = mf.Parameters.of(**given, **own)
        system = mf.compile(mean_field)
        state = jax.tree.map(
            lambda v, d: v + d,
            system.module.rest(2),
            type(system.module.rest(2))(
                *np.random.default_rng(5).uniform(0.3, 0.9, (len(mean_field.states), 2))
            ),
        )
        c = system.module.coefficients(parameters)
        field = system.module.vector_field(state, jnp.array([0.3, 0.2]), c)
        found.append([*field, system.module.variance(state, c), system.module.rates(state, c)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def symmetric(motifs):
    """Coefficients of pairs in either order."""
    con, div, chn, rec = motifs.convergent, motifs.divergent, motifs.chain, motifs.reciprocal
    both = [(np.asarray(t) + np.swapaxes(t, 1, 2)) / 2 for t in (con, div)]
    return mf.Motifs(*both, chn, rec)


def test_gaussian_strengths_know_of_no_components():
    for closure in CLOSURES:
        plain = mf.derive(mf.Architecture(["E", "I"], "erf"), closure)
        stated = mf.derive(
            mf.Architecture(["E", "I"], "erf", strengths=Gaussian(), assortativity=False), closure
        )
        assert str(plain) == str(stated)
        assert generate(plain) == generate(stated)
        text = str(plain) + generate(plain)
        assert not [name for name in (*STRENGTHS, "Delta_c", "shift", "theta") if name in text]
