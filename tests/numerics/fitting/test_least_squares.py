"""Least squares from many starts: known minima, more starts than lanes, interruptions, starts from
which there is no way on.
"""

import io

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from motifield.errors import MotifieldError, ParameterError, SpecError
from motifield.numerics.fitting.lanes import Lanes
from motifield.numerics.fitting.least_squares import FirstOrder, LevenbergMarquardt

MATRIX = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]])
RIGHT = np.array([1.0, -2.0, 0.7])


def rosenbrock(u, states):
    """Least at (1, 1), 0; not a number for u_0 < -3."""
    r = jnp.stack([10 * (u[1] - u[0] ** 2), 1 - u[0]])
    return jnp.where(u[0] < -3, jnp.nan, r), states + 1


def linear(u, states):
    return jnp.asarray(MATRIX) @ u - jnp.asarray(RIGHT), states


def lanes(residuals, solver, starts, width=64):
    return Lanes(
        residuals,
        residuals,
        solver,
        np.asarray(starts, dtype=float),
        np.zeros((len(starts), 1)),
        lanes=width,
    )


def run(
    residuals,
    solver,
    starts,
    width=64,
    checkpoint=None,
    key="key",
    progress=lambda what, part: None,
):
    return lanes(residuals, solver, starts, width).run(progress, checkpoint, key)


STARTS = np.random.default_rng(2).uniform(-2, 2, (7, 2))


def test_rosenbrock():
    found = run(rosenbrock, LevenbergMarquardt(), STARTS)
    np.testing.assert_allclose(found.u, 1.0, atol=1e-5)
    assert found.converged.all()
    assert np.all(found.loss < 1e-10)
    assert np.all((found.steps > 3) & (found.steps < 100))
    assert np.all(found.states >= 1)


@pytest.mark.parametrize(
    "solver",
    [LevenbergMarquardt(), FirstOrder(steps=3000), FirstOrder(optax.sgd(0.05), steps=3000)],
)
def test_a_linear_problem(solver):
    """Against numpy's least squares, the loss that is left among them."""
    exact, left, *_ = np.linalg.lstsq(MATRIX, RIGHT)
    found = run(linear, solver, STARTS[:3])
    np.testing.assert_allclose(found.u, np.broadcast_to(exact, (3, 2)), atol=2e-5)
    np.testing.assert_allclose(found.loss, left[0], rtol=1e-8)
    assert found.converged.all()


@pytest.mark.parametrize("solver", [LevenbergMarquardt(), FirstOrder(steps=40)])
def test_lanes_change_nothing(solver):
    """Seven starts in two lanes, each refilled, end as seven side by side; each loss is that of its
    own point.
    """
    few, many = run(rosenbrock, solver, STARTS, 2), run(rosenbrock, solver, STARTS)
    for name in ("u", "loss", "steps", "converged"):
        np.testing.assert_allclose(
            getattr(few, name), getattr(many, name), rtol=1e-6, atol=1e-9, err_msg=name
        )
    np.testing.assert_allclose(
        few.loss,
        [np.sum(np.asarray(rosenbrock(u, 0)[0]) ** 2) for u in few.u],
        rtol=1e-9,
        atol=1e-15,
    )


@pytest.mark.parametrize("solver", [LevenbergMarquardt(), FirstOrder(steps=100)])
def test_a_start_without_a_value_ends_at_once(solver):
    found = run(rosenbrock, solver, np.concatenate([[[-4.0, 0.0]], STARTS[:2]]), 2)
    assert np.isnan(found.loss[0])
    assert found.steps[0] == 0
    assert not found.converged[0]
    np.testing.assert_array_equal(found.u[0], [-4.0, 0.0])
    assert np.all(np.isfinite(found.loss[1:]))


def test_a_step_to_where_there_is_nothing_is_not_taken():
    """sqrt(u) = 1 from .01, and from 9, where the first trial would be negative."""

    def root(u, states):
        return jnp.where(u > 0, jnp.sqrt(jnp.where(u > 0, u, 1.0)) - 1.0, jnp.nan), states

    found = run(root, LevenbergMarquardt(), [[0.01], [9.0]])
    np.testing.assert_allclose(found.u, 1.0, atol=1e-6)
    assert found.converged.all()
    # a first-order step that is too long loses the start, but not the best point on the way
    lost = run(root, FirstOrder(optax.sgd(100.0)), [[4.0]])
    assert not lost.converged[0]
    assert np.isfinite(lost.loss[0])
    assert lost.loss[0] == pytest.approx((np.sqrt(lost.u[0, 0]) - 1) ** 2)


def test_a_first_order_method_keeps_its_best_point():
    """Steps that overshoot: more of them never make it worse."""
    losses = [
        run(rosenbrock, FirstOrder(optax.adam(0.5), steps=n), STARTS[:3]).loss
        for n in (1, 2, 4, 8, 16)
    ]
    assert np.all(np.diff(losses, axis=0) <= 0)
    assert np.all(losses[-1] < losses[0])


def test_too_few_steps_are_not_convergence():
    found = run(rosenbrock, LevenbergMarquardt(steps=3), STARTS)
    assert not found.converged.any()
    assert np.all(found.steps == 3)


def test_open_directions_end_by_patience():
    """Where one coordinate does nothing, and where the loss levels off."""

    def flat(u, states):
        return jnp.stack([u[0] * jnp.exp(-(u[1] ** 2) * 1e-9) - 1.0, jnp.asarray(0.5)]), states

    found = run(flat, LevenbergMarquardt(steps=100), STARTS)
    assert found.converged.all()
    np.testing.assert_allclose(found.loss, 0.25, atol=1e-9)


@pytest.mark.parametrize("solver", [LevenbergMarquardt(), FirstOrder(steps=60)])
@pytest.mark.parametrize("after", [1, 2])
def test_interrupted_and_resumed_is_uninterrupted(tmp_path, solver, after):
    path, calls = tmp_path / "fit.npz", []

    def stop(what, part):
        calls.append(part)
        if len(calls) > 1 + after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(rosenbrock, solver, STARTS, 3, path, progress=stop)
    assert path.exists()
    said = []
    resumed = run(
        rosenbrock, solver, STARTS, 3, path, progress=lambda what, part: said.append((what, part))
    )
    assert "compiling" not in [what for what, _ in said]
    whole = run(rosenbrock, solver, STARTS, 3)
    for name in whole._fields:
        np.testing.assert_array_equal(getattr(resumed, name), getattr(whole, name), err_msg=name)
    again = run(rosenbrock, solver, STARTS, 3, path)
    np.testing.assert_array_equal(again.u, whole.u)


def test_progress_says_how_much_is_done():
    said = []
    run(
        rosenbrock,
        LevenbergMarquardt(),
        STARTS,
        3,
        progress=lambda what, part: said.append((what, part)),
    )
    parts = [part for _, part in said]
    assert said[0] == ("compiling", 0.0)
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert said[-1][0].startswith("starts ended: 7 of 7, best ")


def test_settings_tell_solvers_apart():
    """Optimisers are functions: by what they do."""
    solvers = [
        LevenbergMarquardt(),
        LevenbergMarquardt(steps=7),
        FirstOrder(),
        FirstOrder(optax.adam(0.5)),
        FirstOrder(optax.sgd(0.05)),
        FirstOrder(optax.sgd(0.05, momentum=0.9)),
        FirstOrder(atol=1e-3),
    ]
    assert len({solver.settings for solver in solvers}) == len(solvers)
    assert FirstOrder().settings == FirstOrder(optax.adam(0.05)).settings


def test_files_that_are_no_checkpoint_of_this_fit(tmp_path):
    path = tmp_path / "fit.npz"
    run(rosenbrock, LevenbergMarquardt(), STARTS, 3, path)
    with pytest.raises(ParameterError, match="the checkpoint of another fit"):
        run(rosenbrock, LevenbergMarquardt(), STARTS, 3, path, key="other")
    with pytest.raises((ParameterError, SpecError), match="name another file, or remove it"):
        run(rosenbrock, LevenbergMarquardt(), STARTS, 2, path)
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    for content in (b"", b"text", path.read_bytes()[:300], array.getvalue()):
        path.write_bytes(content)
        with pytest.raises(SpecError, match="is no checkpoint of a fit"):
            run(rosenbrock, LevenbergMarquardt(), STARTS, 3, path)


def test_a_checkpoint_with_a_flipped_bit_is_the_same_or_an_error(tmp_path):
    path, key = tmp_path / "fit.npz", "this fit"
    begun = lanes(rosenbrock, LevenbergMarquardt(), STARTS, 3)
    begun._fill()
    begun._save(path, key)
    content, rng, said = path.read_bytes(), np.random.default_rng(0), []
    for at in rng.choice(len(content), 100, replace=False).tolist():
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        other = begun.anew(begun.starts, begun.states)
        try:
            other._resume(path, key)
        except MotifieldError as error:
            said.append(str(error))
        else:
            for kept, read in zip(begun.found, other.found, strict=True):
                np.testing.assert_array_equal(kept, read)
            assert (other.next, other.done.tolist()) == (begun.next, begun.done.tolist())
    assert len(said) > 50
    assert all(str(path) in text for text in said)
