"""The pages on extending: their examples run, and what they define does what they say."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import motifield as mf

PAGES = Path(__file__).parents[2] / "docs" / "extending"


def blocks(page: str) -> list[tuple[str, str]]:
    """The blocks of a page: what each is meant to raise, or nothing, and its text."""
    text = (PAGES / f"{page}.md").read_text()
    return re.findall(r'^```python(?: raises="(\w+)")?[^\n]*\n(.*?)^```', text, re.M | re.S)


def run(page: str, count: int | None = None) -> dict:
    """The names that the blocks of a page, or the first of them, leave behind."""
    names: dict = {"__name__": page}
    for error, body in blocks(page)[:count]:
        code = compile(body, f"{page}.md", "exec")
        if error:
            with pytest.raises(getattr(mf.errors, error)):
                exec(code, names)
        else:
            exec(code, names)
    return names


@pytest.mark.slow
def test_a_transfer_function(relaxed):
    names = run("transfer_function")
    mean, variance = 0.3, 1.2
    density = norm(mean, np.sqrt(variance))
    ramp = quad(lambda x: 2 * (x - 0.2) ** 2 * density.pdf(x), 0.2, 1.2, epsabs=1e-13)[0]
    expected = ramp + 2 * density.sf(1.2)
    assert float(mf.average(names["phi"], mean, variance).values) == pytest.approx(expected, 1e-11)


@pytest.mark.slow
def test_a_closure(relaxed):
    names = run("closure")
    assert names["KnownSpread"](1).name == "known-spread"
    # with rates that are all equal it is LowRank
    equal = mf.derive(names["net"], names["KnownSpread"](0))
    plain = mf.derive(names["net"], mf.LowRank())
    assert equal.variance.right_side() == plain.variance.right_side()


@pytest.mark.slow
def test_a_sampler(relaxed):
    run("sampler")


def test_the_sampler_draws_two_values_and_refuses_motifs():
    """The class of the page alone: nothing is compiled."""
    TwoValues = run("sampler", 1)["TwoValues"]
    par = mf.Parameters.of(populations=["E"], N=60, fractions=[1.0], mean=0.01, g=0.3)
    first, again = (mf.sample(par, seed=3, sampler=TwoValues()).weights for _ in range(2))
    np.testing.assert_array_equal(first, again)
    sd = 0.3 / np.sqrt(60)
    np.testing.assert_allclose(np.unique(first), [0.01 - sd, 0.01 + sd])
    chained = mf.Parameters.of(
        populations=["E"], N=60, fractions=[1.0], mean=0.0, g=0.3, motifs=mf.Motifs(0.01)
    )
    with pytest.raises(mf.errors.ParameterError, match="draws independent synapses"):
        mf.sample(chained, seed=3, sampler=TwoValues())


@pytest.fixture
def relaxed():
    """JAX as users have it, not in the strict mode of the tests: code of pages is users' code."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield
    assert jnp.ones(1).dtype == jnp.float64
