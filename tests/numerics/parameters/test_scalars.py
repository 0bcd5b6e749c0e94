"""Numbers of the parameters by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.parameters.scalars import names, scalar, stacked


@pytest.fixture(scope="module")
def par(of_populations):
    mean, motifs = [[0.001, -0.004], [0.002, -0.003]], mf.Motifs.shared(0.01)
    return of_populations(
        "EI", mean=mean, g=0.2, motifs=motifs, input=0.5, transfer={"gain": [1.0, 2.0]}
    )


def test_every_name_reads_and_sets_its_own_entries_alone(par):
    """Setting changes what was named (and its partner, or what a sum to 1 demands), and reading
    gives it back.
    """
    for name in names(par):
        own = scalar(name, par)
        changed = own.set(par, 0.125)
        assert own.get(changed) == pytest.approx(0.125)
        array = name.split("[")[0]
        for before, after in zip(
            jax.tree.leaves_with_path(par), jax.tree.leaves_with_path(changed), strict=True
        ):
            path = jax.tree_util.keystr(before[0])
            if not path.startswith((f".{array}", "." + array.replace(".", "['"))):
                np.testing.assert_array_equal(before[1], after[1], err_msg=f"{name} changed {path}")


def test_partners_follow(par):
    assert scalar("tau_con[E,E,I]", par).set(par, 0.3).tau_con[0, 1, 0] == 0.3
    assert scalar("tau_div[E,E,I]", par).set(par, 0.3).tau_div[0, 1, 0] == 0.3
    assert scalar("tau_rec[E,I]", par).set(par, 0.3).tau_rec[1, 0] == 0.3
    assert scalar("tau_chn[E,E,I]", par).set(par, 0.3).tau_chn[0, 1, 0] == par.tau_chn[0, 1, 0]


def test_stars_factors_and_fractions(par):
    np.testing.assert_array_equal(
        scalar("mean[*,I]", par).set(par, 7.0).mean, [[0.001, 7], [0.002, 7]]
    )
    doubled = scalar("factor(motifs)", par).set(par, 2.0)
    for before, after in zip(par.motifs, doubled.motifs, strict=True):
        np.testing.assert_allclose(after, 2 * np.asarray(before))
    both = scalar("factor(mean[E,*], input[I])", par).set(par, 3.0)
    np.testing.assert_allclose(both.mean, [[0.003, -0.012], [0.002, -0.003]])
    np.testing.assert_allclose(both.input.value, [0.5, 1.5])
    np.testing.assert_allclose(scalar("fractions[I]", par).set(par, 0.5).fractions, [0.5, 0.5])
    assert scalar("transfer.gain[I]", par).get(par) == 2.0


def test_set_differentiates_and_stacks(par):
    gradient = jax.grad(lambda v: jnp.sum(scalar("factor(tau_chn)", par).set(par, v).tau_chn))(1.0)
    assert gradient == pytest.approx(float(jnp.sum(par.tau_chn)))
    many = stacked([scalar("N", par), scalar("g[E,I]", par)], par, [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(many.N, [1, 3])
    np.testing.assert_array_equal(many.g[:, 0, 1], [2, 4])
    assert many.mean.shape == (2, 2, 2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tau_chn[E,E]", "3 indices"),
        ("foo", "there is no parameter 'foo'"),
        ("mean", "different values"),
        ("tau_chn[E,E,X]", "no population 'X'"),
        ("transfer.slope", "no parameter transfer.slope"),
        ("mean, g", r"factor\(mean, g\)"),
        ("__import__('os')", "not the name"),
        ("fractions", "sum to 1"),
        ("", "not the name"),
        ("factor()", "not the name"),
        ("motifs[E]", "four tensors"),
    ],
)
def test_names_that_are_none(par, name, message):
    with pytest.raises(ParameterError, match=message):
        scalar(name, par).get(par)


def test_an_input_that_varies_in_time_is_no_number(par):
    pulsed = par.replace(input=mf.inputs.pulse(1.0, 2.0, 0.5))
    with pytest.raises(ParameterError, match="varies in time"):
        scalar("input[E]", pulsed)
