"""Unknowns by name: bounds, ties, conditions, priors, random starts, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.fitting.coordinates import Coordinates
from motifield.numerics.fitting.motif_coordinates import FreeMotifs
from motifield.numerics.fitting.unknowns import Unknown, dale

CONDITIONS = {"dark": {}, "light": {"input[E]": 1.5}}


@pytest.fixture(scope="module")
def base(of_populations):
    numbers = {"mean": [[0.001, -0.004], [0.002, -0.003]], "g": [[0.2, 0.3], [0.4, 0.5]]}
    drive = {"input": [0.5, 0.7], "spread": 0.3, "transfer": {"gain": [1.0, 2.0]}}
    motifs = mf.Motifs(convergent=0.01, divergent=0.01)
    return of_populations("EI", motifs=motifs, **numbers, **drive)


def of(base, *unknowns, conditions=CONDITIONS, **options):
    return Coordinates.of(base, conditions, unknowns, **options)


@pytest.mark.parametrize(
    ("low", "high"), [(-np.inf, np.inf), (0.0, np.inf), (-np.inf, 0.9), (0.1, 0.9)]
)
def test_values_stay_in_bounds_and_are_found_again(base, low, high):
    own = of(base, Unknown("g[E,I]", low=low, high=high))
    u = own.given()
    assert float(own.values(jnp.asarray(u))[0]) == pytest.approx(0.3)
    np.testing.assert_allclose(own.common(jnp.asarray(u)).g, base.g)
    for shift in (-9.0, -1.0, 0.5, 2.0):
        value = float(own.values(jnp.asarray(u + shift))[0])
        assert low < value < high
        assert (value < 0.3) == ((shift < 0) if np.isinf(high) or np.isfinite(low) else (shift > 0))
        moved = own.common(jnp.asarray(u + shift))
        assert float(moved.g[0, 1]) == pytest.approx(value)
        np.testing.assert_array_equal(moved.g[1], base.g[1])


def test_values_are_as_the_bounds_say(base):
    """log(v - low), log(high - v), logit; without bounds in units of the value, or of 1 where it is
    0.
    """
    cases = (
        (Unknown("g[E,E]", low=0.1), 0.1 + np.exp(0.4)),
        (Unknown("g[E,E]", high=3.0), 3.0 - np.exp(0.4)),
        (Unknown("g[E,E]", low=0.1, high=1.1), 0.1 + 1 / (1 + np.exp(-0.4))),
        (Unknown("g[E,E]"), 0.2 + 0.2 * 0.4),
        (Unknown("mean[E,E]"), 0.001 + 0.001 * 0.4),
        (Unknown("noise[E]"), 0.4),
        (Unknown("g[E,E]", start=(0.0, 4.0)), 2.0 + 2.0 * 0.4),
    )
    for unknown, value in cases:
        assert float(of(base, unknown).values(jnp.array([0.4]))[0]) == pytest.approx(value), unknown


def test_ties_wildcards_and_factors(base):
    own = of(
        base,
        Unknown(("g[E,E]", "g[I,I]")),
        "mean[*,I]",
        "factor(mean[I,*])",
        Unknown("transfer.gain[I]", low=0),
    )
    assert own.names == ("g[E,E] = g[I,I]", "mean[*,I]", "factor(mean[I,*])", "transfer.gain[I]")
    np.testing.assert_allclose(own.values(jnp.asarray(own.given())), [0.2, -0.0035, 1.0, 2.0])
    u = jnp.asarray(own.given()).at[0].add(1.5).at[2].add(1.0)
    moved = own.common(u)
    np.testing.assert_allclose(moved.g, [[0.5, 0.3], [0.4, 0.5]])
    np.testing.assert_allclose(moved.mean, [[0.001, -0.0035], [0.004, -0.007]])
    np.testing.assert_allclose(moved.transfer["gain"], [1.0, 2.0])


def test_conditions_set_their_own_numbers(base):
    """A setting wins over what is common, an unknown of the condition over the setting; other
    conditions see neither.
    """
    own = of(base, "input[E]", "input[I] @ light", Unknown("spread", condition="dark", low=0))
    assert own.names == ("input[E]", "input[I] @ light", "spread @ dark")
    u = jnp.asarray(own.given()) + jnp.array([0.5, 2 / 0.7, 1.0])
    dark, light = own.of_condition(u, "dark"), own.of_condition(u, "light")
    np.testing.assert_allclose(dark.input.value, [0.75, 0.7])
    np.testing.assert_allclose(light.input.value, [1.5, 2.7])
    np.testing.assert_allclose(dark.spread.value, 0.3 * np.e)
    np.testing.assert_allclose(light.spread.value, 0.3)
    np.testing.assert_allclose(own.common(u).input.value, [0.75, 0.7])


def test_an_unknown_starts_where_its_condition_is(base):
    own = of(base, "input[E] @ light", "factor(input) @ dark")
    np.testing.assert_allclose(own.values(jnp.asarray(own.given())), [1.5, 1.0])
    moved = own.of_condition(jnp.asarray(own.given()) + jnp.array([0.0, 1.0]), "dark")
    np.testing.assert_allclose(moved.input.value, [1.0, 1.4])


def test_whole_inputs_by_condition_and_the_weights_of_their_signals(base):
    course = mf.inputs.signals(
        [0.0, 1.0, 2.0],
        {"ones": 1.0, "ramp": [0.0, 1.0, 2.0]},
        {"ones": [0.5, 0.7], "ramp": [0.0, 0.1]},
        base.populations,
    )
    own = of(base, "input.ramp[E] @ light", conditions={"dark": {}, "light": {"input": course}})
    u = jnp.asarray(own.given()) + 0.5  # from 0, in units of 1
    np.testing.assert_allclose(
        own.of_condition(u, "light").input(1.5), [0.5 + 0.5 * 1.5, 0.7 + 0.1 * 1.5]
    )
    np.testing.assert_allclose(own.of_condition(u, "dark").input(1.5), [0.5, 0.7])


def test_weights_of_signals_that_are_common(base):
    course = mf.inputs.signals([0.0, 1.0], {"step": [0.0, 1.0]}, {"step": 0.2}, base.populations)
    other = mf.inputs.signals([0.0, 3.0], {"step": [0.0, 5.0]}, {"step": 0.2}, base.populations)
    shared = base.replace(input=course)
    own = of(shared, "input.step[I]", conditions={"one": {}, "five": {"input": other}})
    u = jnp.asarray(own.given()) + 5.0
    np.testing.assert_allclose(own.of_condition(u, "one").input(9.0), [0.2, 1.2])
    np.testing.assert_allclose(own.of_condition(u, "five").input(9.0), [1.0, 6.0])


def test_persistence(base):
    assert np.array_equal(of(base, "g[E,E]").persistence(jnp.zeros(1)), [1.0, 1.0])
    own = of(base, "persistence[I]", "g[E,E]")
    assert float(own.values(jnp.asarray(own.given()))[0]) == pytest.approx(0.8)
    for u in (-50.0, 0.3, 50.0):
        found = own.persistence(jnp.array([u, 0.0]))
        assert float(found[0]) == 1.0
        assert float(found[1]) == pytest.approx(np.tanh(u / 2))
    assert np.array_equal(
        own.common(jnp.array([0.3, 0.0])).g, of(base, "g[E,E]").common(jnp.array([0.0])).g
    )
    both = of(base, Unknown("persistence", low=0.0))
    np.testing.assert_allclose(both.persistence(jnp.zeros(1)), [0.5, 0.5])


def test_dale(base):
    own = dale(
        {"E": 1, "I": -1},
        base,
        prior={"mean[E,I]": mf.priors.LogNormal(0.004, 0.5, -1)},
        start=(0.001, 0.01),
    )
    assert [u.name for u in own] == ["mean[E,E]", "mean[E,I]", "mean[I,E]", "mean[I,I]"]
    assert [(u.low, u.high) for u in own] == [(0, np.inf), (-np.inf, 0)] * 2
    assert [u.start for u in own] == [(0.001, 0.01), (-0.01, -0.001)] * 2
    assert own[1].prior is not None
    assert own[0].prior is None
    points = of(base, *own).random(np.random.default_rng(0), 50)
    drawn = jax.vmap(of(base, *own).values)(jnp.asarray(points))
    assert np.all((np.abs(drawn) > 0.00099) & (np.abs(drawn) < 0.0101))
    assert np.all(np.sign(drawn) == [1, -1, 1, -1])
    assert len(dale({"E": 1, "I": -1}, base.replace(mean=base.mean.at[0, 1].set(0.0)))) == 3
    with pytest.raises(
        ParameterError, match=r"needs a sign, 1 or -1, for every population: 'I' has None"
    ):
        dale({"E": 1}, base)


def test_prior_residuals_and_their_order(base):
    """Of unknowns, of conditions, of motif coefficients that are free, and of parameters that are
    not unknown.
    """
    priors = {
        "input[E] @ light": mf.priors.Normal(1.0, 0.25),
        "tau_con[E,E,E]": mf.priors.Normal(0.02, 0.005),
        "g[I,I]": mf.priors.LogNormal(0.25, 0.5),
    }
    own = of(
        base,
        Unknown("g[E,E]", prior=mf.priors.Normal(0.1, 0.05)),
        "input[E] @ light",
        priors=priors,
        motifs=FreeMotifs(("tau_con[E,E,E]",)),
    )
    found = own.prior_residuals(jnp.asarray(own.given()))
    np.testing.assert_allclose(found, [2.0, 2.0, -2.0, np.log(2) / 0.5])
    assert list(own.priors) == ["g[E,E]", *priors]


def test_a_prior_of_several_entries_is_that_of_each(base):
    """Unless it is that of an unknown that they share."""
    prior = mf.priors.Normal(-0.002, 0.001)
    each = of(base, "mean[E,I]", "mean[I,I]", priors={"mean[*,I]": prior})
    assert list(each.priors) == ["mean[E,I]", "mean[I,I]"]
    np.testing.assert_allclose(
        each.prior_residuals(jnp.asarray(each.given())),
        (np.asarray(base.mean)[:, 1] + 0.002) / 0.001,
    )
    one = of(base, "mean[*,I]", priors={"mean[*,I]": prior})
    assert list(one.priors) == ["mean[*,I]"]
    assert list(of(base, "input[E]", priors={"tau_con[E,*,*]": prior}).priors) == [
        "tau_con[E,E,E]",
        "tau_con[E,E,I]",
        "tau_con[E,I,I]",
    ]
    with pytest.raises(ParameterError, match=r"mean\[E,I\] has two priors"):
        of(base, Unknown("mean[E,I]", prior=prior), priors={"mean[*,I]": prior})


def test_values_name_free_motifs(base):
    own = of(base, "g[E,E]", motifs=FreeMotifs(("tau_con[E,E,E]", "tau_div[E,I,I]")))
    assert own.names == ("g[E,E]", "tau_con[E,E,E]", "tau_div[E,I,I]")
    assert own.size == 3
    np.testing.assert_allclose(own.values(jnp.asarray(own.given())), [0.2, 0.01, 0.01])


@pytest.mark.parametrize(
    ("unknown", "least", "most"),
    [
        (Unknown("g[E,E]", start=(0.1, 5.0)), 0.1, 5.0),
        (Unknown("g[E,E]", low=0, start=(0.1, 5.0)), 0.1, 5.0),
        (Unknown("g[E,E]", low=0, high=9, start=(0.1, 5.0)), 0.1, 5.0),
        (Unknown("g[E,E]", low=0, high=9), 0.45, 8.55),
        (Unknown("g[E,E]", low=0), 0.2 * np.exp(-1.5), 0.2 * np.exp(1.5)),
        (Unknown("mean[E,I]", high=0), -0.004 * np.exp(1.5), -0.004 * np.exp(-1.5)),
        (Unknown("g[E,E]", low=0, start=(0.0, 5.0)), 0.0, 5.0),
    ],
)
def test_random_starts_lie_where_they_should(base, unknown, least, most):
    own = of(base, unknown)
    drawn = np.asarray(
        jax.vmap(own.values)(jnp.asarray(own.random(np.random.default_rng(1), 400)))
    )[:, 0]
    assert least - 1e-12 <= drawn.min()
    assert drawn.max() <= most + 1e-12
    assert drawn.max() - drawn.min() > 0.9 * (most - least)


def test_random_starts_follow_priors_within_bounds(base):
    own = of(base, Unknown("g[E,E]", low=0.1, prior=mf.priors.LogNormal(0.2, 0.5)))
    drawn = np.log(
        np.asarray(jax.vmap(own.values)(jnp.asarray(own.random(np.random.default_rng(1), 2000))))
    )[:, 0]
    assert drawn.min() > np.log(0.1)
    assert np.median(drawn) == pytest.approx(np.log(0.2), abs=0.1)
    with pytest.raises(
        ParameterError, match="the prior is almost nowhere within the bounds 3 and 4"
    ):
        of(base, Unknown("g[E,E]", low=3, high=4, prior=mf.priors.LogNormal(0.2, 0.1))).random(
            np.random.default_rng(1), 20
        )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda b: of(b, "tau_con[E,E,E]"),
            r"bounded by each other; free them with motifs=FreeMotifs\(\('tau_con'",
        ),
        (lambda b: of(b, "g[E,E] @ night"), "there is no condition 'night'; there are dark, light"),
        (lambda b: of(b, "g[E,E]", "g[E,E]"), r"g\[E,E\] is unknown twice"),
        (lambda b: of(b, "g[E,*]", "g[*,E]"), r"g\[E,\*\] and g\[\*,E\] would set the same number"),
        (
            lambda b: of(b, "persistence", "persistence[E]"),
            r"persistence and persistence\[E\] would set the same number",
        ),
        (lambda b: of(b), "nothing is unknown"),
        (lambda b: of(b, "persistence[X]"), "there is no population 'X'"),
        (
            lambda b: of(b, Unknown("persistence", condition="dark")),
            "persistence belongs to all pairs of conditions",
        ),
        (lambda b: of(b, Unknown(("persistence", "g[E,E]"))), "is tied to nothing else"),
        (lambda b: Unknown("g[E,E] @ dark", condition="light"), "give it once"),
        (lambda b: Unknown("g", low=2, high=1), "must be increasing"),
        (lambda b: Unknown("g", low=0, start=(-1, 1)), "two increasing values within 0 and inf"),
        (
            lambda b: of(b, Unknown("g[E,E]", low=0.5)).given(),
            r"g\[E,E\] = 0.2 is not between its bounds 0.5 and inf",
        ),
        (
            lambda b: of(
                b,
                Unknown("g[E,E]", prior=mf.priors.Normal(1, 1)),
                priors={"g[E,E]": mf.priors.Normal(1, 1)},
            ),
            r"g\[E,E\] has two priors",
        ),
        (lambda b: of(b, "g[E,E]", priors={"h[E]": mf.priors.Normal(1, 1)}), "no parameter 'h'"),
        (
            lambda b: of(b, "g[E,E]", priors={"factor(mean)": mf.priors.Normal(1, 1)}),
            "a factor that is not unknown is 1",
        ),
        (
            lambda b: of(b, "g[E,E]").of_condition(jnp.zeros(1), "night"),
            "there is no condition 'night'",
        ),
        (lambda b: of(b, "g[E,E]", conditions={"dark": {"inputs": 2.0}}), "no parameter 'inputs'"),
    ],
)
def test_refusals(base, make, message):
    with pytest.raises(ParameterError, match=message):
        make(base)


def test_factors_may_multiply_what_others_set(base):
    assert of(base, "factor(mean)", "mean[E,E]").size == 2
