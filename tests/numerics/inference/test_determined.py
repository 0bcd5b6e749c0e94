"""What targets determine: relations of scales that are known, errors of a linear problem, and ways
that predictions do not notice.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.fitting.least_squares import Minima
from motifield.numerics.fitting.minima import Fit
from motifield.numerics.fitting.motif_coordinates import MotifCoordinates
from motifield.numerics.inference.combinations import combinations, row_echelon
from motifield.numerics.inference.determined import identifiability, independent
from motifield.numerics.inference.information import Information


def test_motifs_that_are_zero_and_fixed_have_derivatives():
    """Of one share that is free beside one that is 0: chains, and out-strengths, stay 0."""
    base = mf.Parameters.of(
        N=1000, fractions=[1.0], mean=0.0, g=0.4, motifs=mf.Motifs(convergent=0.01)
    )
    motifs = MotifCoordinates.of(mf.fitting.FreeMotifs(("tau_con",)), base)
    slope = jax.jacfwd(motifs.tensors)(jnp.asarray(motifs.coordinates(base)))
    assert float(slope["tau_con"].ravel()[0]) == pytest.approx(0.01 * 0.99)  # a logit's
    assert all(float(slope[name].ravel()[0]) == 0 for name in ("tau_chn", "tau_div", "tau_rec"))


def at_given(problem):
    """A fit that stands at the parameters as they are."""
    u = jnp.asarray(problem.coordinates.given())
    residuals, outcome = problem.compiled(u, problem.at_rest())
    loss = float(jnp.sum(residuals**2))
    minimum = Minima(*(np.asarray(v)[None] for v in (u, outcome.states, loss, 1, True)))
    assert np.isfinite(loss)
    return Fit(problem, minimum)


@pytest.fixture(scope="module")
def scales(system_of, one_population):
    """One population, in which N Jbar and N g^2 tau_con alone enter (`MotifOnly`), and the input of
    one of three conditions.
    """
    base = one_population(N=1000, mean=-0.002, g=0.4, input=1.5)
    targets = mf.Targets.of(
        [
            {
                "quantity": quantity,
                "population": "E",
                "condition": name,
                "value": 0.5,
                "error": 0.02,
            }
            for name in "abc"
            for quantity in ("rate_mean", "rate_sd")
        ]
    )
    problem = mf.fitting.Problem.of(
        system_of("1 + erf(x - 1/2)", "MotifOnly"),
        base,
        targets,
        ["N", "mean[E,E]", mf.fitting.Unknown("g[E,E]", low=0), "input[E] @ c"],
        motifs=mf.fitting.FreeMotifs(("tau_con",)),
        conditions={"a": {}, "b": {"input[E]": 3.0}, "c": {}},
        stable=False,
    )
    return identifiability(at_given(problem))


def test_only_what_the_equations_contain_is_determined(scales):
    assert scales.names == ("N", "mean[E,E]", "g[E,E]", "input[E] @ c", "tau_con[E,E,E]")
    assert scales.data.rank == 3
    # log N, log mean, log g, input, log tau_con
    expected = np.array([[1.0, 1, 0, 0, 0], [1, 0, 2, 0, 1], [0, 0, 0, 1, 0]])
    found = np.array([own.row(scales.names) for own in scales.determined])
    np.testing.assert_allclose(row_echelon(found), row_echelon(expected), atol=1e-6)
    assert all(own.simple for own in scales.determined)
    assert scales.is_determined() == {name: name == "input[E] @ c" for name in scales.names}
    assert "only" in scales.text()
    assert "g[E,E]^2" in scales.text()


def test_its_dataset_and_repr(scales):
    made = scales.dataset
    assert made["determined"].sel(parameter="input[E] @ c")
    assert np.isinf(made["standard_error_of_targets"].sel(parameter="N"))
    assert made["singular_value"].sizes == {"source": 2, "order": 5}
    assert repr(scales).startswith("Identifiability of 5 numbers: ok\n")
    assert len(repr(scales).splitlines()) < 20


@pytest.mark.slow
def test_errors_of_predictions(system_of, one_population):
    """Of what was held out: finite differences through the covariance; open where an input is that
    nothing else sees, and finite with a prior on it.
    """
    base = one_population(N=1000, mean=-0.002, g=0.4, input=1.5)
    rows = [
        {
            "quantity": quantity,
            "population": "E",
            "condition": name,
            "value": 0.5,
            "error": 0.02,
            "held_out": name in "bc",
        }
        for name in "abc"
        for quantity in ("rate_mean", "rate_sd")
    ]
    for priors in ({}, {"input[E] @ c": mf.priors.Normal(1.5, 0.1)}):
        problem = mf.fitting.Problem.of(
            system_of("1 + erf(x - 1/2)", "MotifOnly"),
            base,
            mf.Targets.of(rows),
            ["mean[E,E]", mf.fitting.Unknown("g[E,E]", low=0), "input[E] @ c"],
            conditions={"a": {}, "b": {"input[E]": 3.0}, "c": {}},
            priors=priors,
        )
        fit = at_given(problem)
        found = identifiability(fit).held_out_rows()
        assert [row["target"] for row in found] == [
            "rate_mean E b",
            "rate_sd E b",
            "rate_mean E c",
            "rate_sd E c",
        ]
        steps = 1e-5 * np.eye(problem.coordinates.size)
        near = [
            np.array(
                [problem.predicted(fit.u + sign * step, fit.minima.states[0]) for step in steps]
            )
            for sign in (1, -1)
        ]
        slopes = ((near[0] - near[1]) / 2e-5).T
        J = np.asarray(problem.jacobian(jnp.asarray(fit.u), jnp.asarray(fit.minima.states[0])))
        expected = np.sqrt(np.diag(slopes @ np.linalg.pinv(J.T @ J, rcond=1e-10) @ slopes.T))[
            problem.held_out
        ]
        if not priors:
            expected[2:] = np.inf
        np.testing.assert_allclose([row["prediction error"] for row in found], expected, rtol=1e-5)
        np.testing.assert_allclose(
            [row["prediction"] for row in found], fit.predictions[problem.held_out]
        )
        z = [
            (row["prediction"] - row["value"])
            / np.sqrt(row["error"] ** 2 + row["prediction error"] ** 2)
            for row in found
        ]
        assert [row["z"] for row in found] == pytest.approx(
            np.where(np.isfinite(expected), z, np.nan).tolist(), nan_ok=True
        )


def test_text_of_a_single_relation(system_of, scales):
    """tau_con and g alone unknown: "only g^2 tau_con"."""
    keep = [k for k, name in enumerate(scales.names) if name in ("g[E,E]", "tau_con[E,E,E]")]
    own = Information.of(scales.jacobian[:, keep], 1e-7)
    (found,) = combinations(own.seen, [scales.names[k] for k in keep], [True, True], np.ones(2))
    assert found.text == "g[E,E]^2 tau_con[E,E,E]"


def test_values_and_errors_of_combinations(scales):
    """The standard error of log(N Jbar) is that of log Jbar where N is known: (J^T J)^-1 with the
    columns of the others.
    """
    rows = {row["combination"]: row for row in scales.combination_rows()}
    assert rows["input[E] @ c"]["value"] == pytest.approx(1.5)
    assert not rows["input[E] @ c"]["relative"]
    small = scales.jacobian[
        :, [scales.names.index(n) for n in ("mean[E,E]", "g[E,E]", "input[E] @ c")]
    ]
    covariance = np.linalg.inv(small.T @ small)
    scale = scales.scale[3]
    assert rows["input[E] @ c"]["standard error"] == pytest.approx(
        scale * np.sqrt(covariance[2, 2]), rel=1e-6
    )
    assert scales.standard_errors()["input[E] @ c"] == pytest.approx(
        scale * np.sqrt(covariance[2, 2]), rel=1e-6
    )
    product = next(row for name, row in rows.items() if set(name.split()) == {"N", "mean[E,E]"})
    assert product["value"] == pytest.approx(-2.0)
    assert product["relative"]
    assert product["standard error"] == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-6)


def test_what_is_not_determined_has_no_errors_and_intervals_that_are_bounds(scales):
    errors, ends = scales.standard_errors(), scales.intervals()
    for name in ("N", "mean[E,E]", "g[E,E]", "tau_con[E,E,E]"):
        assert errors[name] == np.inf
    assert ends["g[E,E]"] == (0, np.inf)
    assert ends["tau_con[E,E,E]"] == (0, 1)
    assert ends["N"] == (-np.inf, np.inf)
    low, high = ends["input[E] @ c"]
    assert (low + high) / 2 == pytest.approx(1.5)
    assert (high - low) / 2 == pytest.approx(1.959964 * errors["input[E] @ c"], rel=1e-6)
    assert list(scales.correlations()["parameter"].values) == ["input[E] @ c"]


@pytest.mark.parametrize("direction", ["g[E,E]", 0])
def test_a_flat_way_changes_numbers_and_no_prediction(scales, direction):
    way = scales.flat(direction, 0.4)
    assert np.abs(way["loss_change"]).max() < 1e-8
    ends = way["value"].values[[0, -1]]
    by = dict(zip(scales.names, ends.T, strict=True))
    moved = {name for name, (a, b) in by.items() if abs(np.log(abs(b / a))) > 0.05}
    assert moved
    assert "input[E] @ c" not in moved
    np.testing.assert_allclose(by["N"] * by["mean[E,E]"], -2.0, rtol=1e-8)
    np.testing.assert_allclose(by["N"] * by["g[E,E]"] ** 2 * by["tau_con[E,E,E]"], 1.6, rtol=1e-8)
    if direction == "g[E,E]":
        assert "g[E,E]" in moved


def test_flat_ways_that_are_not_there(scales):
    with pytest.raises(ParameterError, match="the targets determine input"):
        scales.flat("input[E] @ c")
    with pytest.raises(ParameterError, match="there is no direction 2: the targets leave 2 open"):
        scales.flat(2)
    with pytest.raises(ParameterError, match="no parameter 'x'"):
        scales.flat("x")
    with pytest.raises(ParameterError, match="positive"):
        scales.flat(0, 0.0)


@pytest.fixture(scope="module")
def linear(system_of):
    """phi(x) = x, R = I / (1 - N Jbar): one target, two unknowns, a prior for one of them."""
    base = mf.Parameters.of(populations=["E"], N=100, fractions=[1.0], mean=-0.03, g=0.1, input=2.0)
    targets = mf.Targets.of(
        [{"quantity": "rate_mean", "population": "E", "value": 0.5, "error": 0.05}]
    )
    problem = mf.fitting.Problem.of(
        system_of("x", "MotifOnly"),
        base,
        targets,
        ["input[E]", mf.fitting.Unknown("mean[E,E]", high=0)],
        priors={"input[E]": mf.priors.Normal(2.1, 0.3)},
        stable=False,
    )
    return identifiability(at_given(problem))


def test_priors_determine_what_targets_leave_open(linear):
    """R = I / (1 - N J) at I = 2, J = -.03, N = 100: dR = dI / 4 + 12.5 dJ; var J = (.05^2 + (.3 /
    4)^2) / 12.5^2 by hand.
    """
    assert linear.data.rank == 1
    assert linear.whole.rank == 2
    np.testing.assert_allclose(linear.jacobian, [[2 / 4 / 0.05, -12.5 * 0.03 / 0.05]], rtol=1e-8)
    assert linear.standard_errors(priors=False) == {"input[E]": np.inf, "mean[E,E]": np.inf}
    errors = linear.standard_errors()
    assert errors["input[E]"] == pytest.approx(0.3, rel=1e-8)
    assert errors["mean[E,E]"] == pytest.approx(np.hypot(0.05, 0.075) / 12.5, rel=1e-8)
    # the covariance of J and I is -(.3^2 / 4) / 12.5
    assert float(linear.correlations()[0, 1]) == pytest.approx(
        -(0.3**2 / 4 / 12.5) / (0.3 * errors["mean[E,E]"]), rel=1e-8
    )
    low, high = linear.intervals()["mean[E,E]"]
    factor = np.exp(1.959964 * errors["mean[E,E]"] / 0.03)
    assert (low, high) == (
        pytest.approx(-0.03 * factor, rel=1e-5),
        pytest.approx(-0.03 / factor, rel=1e-5),
    )
    row = linear.rows()[1]
    assert row["parameter"] == "mean[E,E]"
    assert row["determined by targets"] is False
    assert row["high"] == high
    (only,) = linear.determined
    assert only.weights.keys() == {"input[E]"}
    assert only.powers.keys() == {"mean[E,E]"}
    assert not only.simple
    # dR = dI / 4 - .375 d log|J|
    assert only.powers["mean[E,E]"] / only.weights["input[E]"] == pytest.approx(
        -0.375 * 4, rel=1e-8
    )
    assert linear.json()["rank with priors"] == 2


def test_echelon_form_of_a_basis_that_hides_it():
    rows = np.array([[1.0, 2, 0, 0], [0, 0, 1, -1]])
    mixed = np.random.default_rng(1).normal(size=(2, 2)) @ rows
    np.testing.assert_allclose(row_echelon(mixed), rows, atol=1e-12)
    found = combinations(mixed, "abcd", [True, True, False, False], np.array([1.0, 1, 2, 1]))
    assert {own.text for own in found} == {"a b^2", "c - 2 d"} or {own.text for own in found} == {
        "a b^2",
        "2 d - c",
    }


def test_roots_become_whole_powers_and_others_do_not():
    (half,) = combinations(np.array([[1.0, 0.5]]), ["a", "b"], [True, True], np.ones(2))
    assert half.text == "a^2 b"
    assert half.simple
    (odd,) = combinations(
        np.array([[0.0012345, 0.12345, 0.98765]]), ["a", "b", "c"], [True] * 3, np.ones(3)
    )
    assert not odd.simple
    assert (
        odd.text == "b^0.125 c ..."
    )  # the largest is 1, what is below a hundredth of it is not shown


def test_independent_rows_are_the_first_that_span():
    rows = np.array([[1.0, 0, 0], [2, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1e-3]])
    assert independent(rows) == [0, 2, 4]


def test_arguments_are_checked(scales):
    with pytest.raises(ParameterError, match="tolerance"):
        identifiability(scales.fit, tolerance=0)
    with pytest.raises(ParameterError, match="no minimum 1"):
        identifiability(scales.fit, rank=1)
    with pytest.raises(ParameterError, match="level"):
        scales.intervals(1.0)
