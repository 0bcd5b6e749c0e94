"""Phase diagrams against single searches, cusps against the grid, and hysteresis of sampled
networks against folds.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.fixed_points.solve import solved_near
from motifield.numerics.parameters.scalars import scalar
from motifield.numerics.plots import phase_picture
from motifield.numerics.system.autonomous import Autonomous

pytestmark = pytest.mark.slow  # one grid of 285 points serves them all


@pytest.fixture(scope="module")
def diagram(oscillating_network):
    system, parameters = oscillating_network
    return mf.continuation.phase_diagram(
        system,
        parameters,
        ("input[E]", "factor(mean[I,E])"),
        bounds=((-1.5, 3.0), (0.0, 2.0)),
        grid=(19, 15),
        initial=mf.fixed_point(system, parameters),
    )


def test_the_grid_has_what_searches_find(oscillating_network, diagram):
    """At grid points of every kind, by Newton's method from 300 random states."""
    system, parameters = oscillating_network
    data, rng = diagram.dataset, np.random.default_rng(0)
    assert diagram.status == "ok"
    kinds = data["count"].values * 10 + data["attractors"].values
    assert {10, 11, 32} <= set(np.unique(kinds).tolist())
    model = Autonomous(system, 2)
    numbers = [scalar(n, parameters) for n in diagram.names]
    search = jax.jit(
        lambda own, ys: jax.vmap(
            lambda y: (
                solved_near(model, own, y),
                abs(model.field(solved_near(model, own, y), own)).max(),
            )
        )(ys)
    )
    for kind in np.unique(kinds):
        for i, j in rng.permutation(np.argwhere(kinds == kind))[:3]:
            own = numbers[1].set(
                numbers[0].set(parameters, float(data["first"][i])), float(data["second"][j])
            )
            starts = rng.uniform([-4, -4, 0, 0, 0, 0], [7, 7, 1.6, 1.6, 0.4, 0.4], (300, 6))
            ends, residual = (np.asarray(v) for v in search(own, starts))
            found = np.unique(np.round(ends[residual < 1e-9], 6)[:, :2], axis=0)
            assert len(found) == int(data["count"][i, j]), (i, j)


def test_curves_separate_the_counts(diagram):
    """On both sides of the cusp: three states between the folds, one outside; and a Bogdanov-Takens
    point where Hopf points begin.
    """
    (cusp,) = diagram.curves.of("cusp")
    (double,) = diagram.curves.of("Bogdanov-Takens")
    data = diagram.dataset
    assert int(data["count"].where(data["second"] > cusp.value[1], drop=True).max()) == 1
    assert int(data["count"].where(data["second"] < double.value[1] - 0.1, drop=True).max()) == 3
    folds = next(c for c in diagram.curves.curves if c.kind == "fold").dataset
    inside = np.argwhere(data["count"].values == 3)
    for i, j in inside:  # every such point is left of the fold that bounds the region on the right
        height = float(data["second"][j])
        near = folds["first"].values[np.abs(folds["second"].values - height) < 0.02]
        assert float(data["first"][i]) < near.max() + 0.02
    image = phase_picture(diagram)
    assert image.axes[0].collections[0].get_array().size == data["count"].size
    assert sum(row["share"] for row in diagram.rows()) == pytest.approx(1)


def test_bad_requests(oscillating_network):
    system, parameters = oscillating_network
    with pytest.raises(ParameterError, match="two different numbers"):
        mf.continuation.phase_diagram(system, parameters, ("N", "N"), bounds=((1, 2000), (1, 2000)))
    with pytest.raises(ParameterError, match="at least 2 x 2"):
        mf.continuation.phase_diagram(
            system, parameters, ("N", "input[E]"), bounds=((1, 2000), (-1, 1)), grid=(1, 5)
        )
    with pytest.raises(ParameterError, match="outside of the bounds"):
        mf.continuation.phase_diagram(
            system, parameters, ("N", "input[E]"), bounds=((1, 200), (-1, 1))
        )


def test_hysteresis_of_sampled_networks(bistable_parameters):
    """Networks ramped up and down jump at the folds of their own statistics, less the delay that
    the equations have under the same ramp.
    """
    system = mf.compile(
        mf.derive(
            mf.Architecture(["E", "I"], "1 + erf((x - 3/2)/(4/5*sqrt(2)))"), mf.SecondMoment()
        )
    )
    parameters = bistable_parameters
    low, high, duration, level = -0.6, 0.6, 400.0, 0.6
    ramp = mf.inputs.Table(
        jnp.array([0, duration, 2 * duration]), jnp.array([[low] * 2, [high] * 2, [low] * 2])
    )
    times = np.linspace(0, 2 * duration, 801)
    inputs = np.interp(times, np.asarray(ramp.times), [low, high, low])

    def jumps(rate):
        up = np.flatnonzero((rate[:-1] < level) & (rate[1:] >= level))[0]
        down = np.flatnonzero((rate[:-1] > level) & (rate[1:] <= level))[-1]
        return np.array([inputs[up], inputs[down]])

    def folds(own):
        found = mf.continuation.follow(
            system, own, "input", bounds=(low, high), initial=mf.fixed_point(system, own)
        ).of("fold")
        return np.array([found[-1].value, found[0].value])

    driven = mf.integrate(
        system,
        parameters.replace(input=ramp),
        2 * duration,
        saveat=times,
        initial={"mean": low},
        throw=True,
    )
    delay = jumps(driven["rate"][:, 0].values) - folds(parameters)
    seen, own = [], []
    for seed in range(5):
        network = mf.sample(parameters, seed)
        run = mf.simulate(system, network, input=ramp, t1=2 * duration, saveat=times, initial=low)
        seen.append(jumps(run["rate"][:, 0].values) - delay)
        own.append(folds(mf.measure(network).parameters()))
    seen, own = np.array(seen), np.array(own)
    np.testing.assert_allclose(seen[:, 0], own[:, 0], atol=0.01)
    np.testing.assert_allclose(seen[:, 1], own[:, 1], atol=0.05)
    assert np.corrcoef(seen[:, 1], own[:, 1])[0, 1] > 0.95
    assert np.ptp(own[:, 1]) > 0.1  # what they follow is not the same for all of them
