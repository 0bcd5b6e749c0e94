"""Parameters of transfer functions as parameters of the system: given values are used everywhere,
differentiable, and kept in files.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ExpressionError, MotifieldError, ParameterError, SpecError

T = mf.transfer
NETWORK = {
    **{"populations": ["E", "I"], "N": 400, "fractions": [0.6, 0.4]},
    **{"mean": [[0.002, -0.003], [0.003, -0.001]], "g": [[0.4, 0.3], [0.5, 0.2]]},
    **{"motifs": mf.Motifs.shared(0.001), "input": [0.5, 0.3]},
}


def kinked(x, k, s):
    return k * jnp.where(x > 0.5, (x - 0.5) * jnp.tanh(s * x), jnp.zeros_like(x))


def rectified(x):
    return np.maximum(x, 0)


# (transfer function, values per population, the same in NumPy)
CASES = {
    "tanh": (
        T.tanh(),
        {"gain": [1.0, 2.0], "threshold": [0.0, 0.3], "offset": [0.1, 0.2]},
        lambda x, gain, threshold, offset: offset + np.tanh(gain * (x - threshold)),
    ),
    "rectified_square": (
        T.expression("k*Max(x - theta, 0)**2", k=1, theta=0.3),
        {"k": [1.0, 0.5], "theta": [0.3, -0.1]},
        lambda x, k, theta: k * rectified(x - theta) ** 2,
    ),
    "jax": (
        T.jax_function(kinked, breaks=[0.5], k=2, s=1),
        {"k": [2.0, 1.0], "s": [1.0, 0.4]},
        lambda x, k, s: k * rectified(x - 0.5) * np.tanh(s * x),
    ),
}


def system_of(transfer, closure):
    return mf.compile(mf.derive(mf.Architecture(["E", "I"], transfer=transfer), closure))


def average(f, mean, variance):
    """E f by Gauss-Legendre on 800 panels between -20 and 20, with edges at every kink above."""
    edges = np.arange(-400, 401) * 0.05
    nodes, weights = np.polynomial.legendre.leggauss(12)
    x = edges[:-1, None] + 0.025 * (1 + nodes)
    return float(
        np.sum(0.025 * weights * f(x) * np.exp(-((x - mean) ** 2) / (2 * variance)))
        / np.sqrt(2 * np.pi * variance)
    )


@pytest.mark.parametrize(
    "name", ["tanh", "rectified_square", pytest.param("jax", marks=pytest.mark.slow)]
)
def test_rates_and_their_gradients(name):
    """The rates are the averages of each population's own function; slopes are central differences,
    under jit and vmap.
    """
    transfer, values, by_hand = CASES[name]
    system = system_of(transfer, mf.MotifOnly())
    parameters = system.complete(mf.Parameters.of(**NETWORK, transfer=values))
    system.check(parameters)
    K, kappa = jnp.array([0.4, 0.2]), jnp.array([3.1, 2.6])
    state = system.State(K, kappa)
    Delta = np.asarray(system.variance(state, parameters))

    def loss(given):
        changed = parameters.replace(transfer=given)
        return jnp.sum(jnp.array([0.3, 0.9]) * system.rates(state, changed))

    steps, entries, step = [], [], 1e-4
    for n in parameters.transfer:
        for p in range(2):
            entries.append((n, p))
            steps += [
                {**parameters.transfer, n: parameters.transfer[n].at[p].add(k * step)}
                for k in (-2, -1, 1, 2)
            ]
    sets = {
        n: jnp.stack([parameters.transfer[n], *(s[n] for s in steps)]) for n in parameters.transfer
    }
    found, gradients = jax.jit(jax.vmap(jax.value_and_grad(loss)))(sets)
    hand = [
        average(
            lambda x, p=p: by_hand(x, **{n: values[n][p] for n in values}),
            float(K[p]),
            float(Delta[p]),
        )
        for p in range(2)
    ]
    assert float(found[0]) == pytest.approx(0.3 * hand[0] + 0.9 * hand[1], rel=1e-9)
    for k, (n, p) in enumerate(entries):
        down2, down, up, up2 = found[1 + 4 * k : 5 + 4 * k]
        slope = float(8 * (up - down) - (up2 - down2)) / (12 * step)
        assert float(gradients[n][0, p]) == pytest.approx(slope, rel=1e-7, abs=1e-8), (n, p)
    assert max(float(jnp.max(jnp.abs(gradients[n][0]))) for n in gradients) > 1e-2


SQUARE = T.expression("k*Max(x - theta, 0)**2", k=1, theta=0.3)


@pytest.fixture(scope="module")
def square():
    return system_of(SQUARE, mf.MotifOnly())


def test_gradients_of_the_vector_field():
    """Of every state's time derivative, with a closure that uses <phi>, <phi'> and <phi^2>."""
    system = system_of(SQUARE, mf.SecondMoment())
    parameters = system.complete(
        mf.Parameters.of(**NETWORK, transfer={"k": [1.0, 0.5], "theta": [0.3, -0.1]})
    )
    state = system.State(jnp.array([0.4, 0.2]), jnp.array([0.5, 0.6]), jnp.array([0.7, 0.8]))

    def loss(given):
        outputs = system.vector_field(0.0, state, parameters.replace(transfer=given))
        return sum(jnp.sum(jnp.array([1.0, 1.7]) * v) for v in outputs)

    value, gradient, step = jax.jit(loss), jax.jit(jax.grad(loss))(parameters.transfer), 1e-4
    for n, v in parameters.transfer.items():
        for p in range(2):
            up, down = (
                float(value({**parameters.transfer, n: v.at[p].add(s * step)})) for s in (1, -1)
            )
            assert float(gradient[n][p]) == pytest.approx(
                (up - down) / (2 * step), rel=1e-6, abs=1e-7
            ), (n, p)
            assert abs(float(gradient[n][p])) > 1e-4


def test_functions_of_different_kinds_each_take_their_own():
    """A name that two functions have is one value per population; a value for a population whose
    function lacks it does nothing.
    """
    system = system_of([SQUARE, T.rectified_linear()], mf.MotifOnly())
    parameters = mf.Parameters.of(
        **NETWORK, transfer={"k": [0.5, 9.0], "gain": [9.0, 0.6], "threshold": {"E": 9, "I": -0.2}}
    )
    system.check(parameters)
    state = system.State(jnp.array([0.4, 0.2]), jnp.array([3.1, 2.6]))
    Delta = np.asarray(system.variance(state, parameters))
    expected = [
        average(lambda x: 0.5 * rectified(x - 0.3) ** 2, 0.4, Delta[0]),
        average(lambda x: 0.6 * rectified(x + 0.2), 0.2, Delta[1]),
    ]
    np.testing.assert_allclose(system.rates(state, parameters), expected, rtol=1e-9)
    same_kind = system_of([T.rectified_linear(gain=2), T.rectified_linear(gain=3)], mf.MotifOnly())
    np.testing.assert_array_equal(
        same_kind.complete(mf.Parameters.of(**NETWORK)).transfer["gain"], [2.0, 3.0]
    )
    assert len(same_kind.mean_field.architecture.distinct_transfers) == 1


@pytest.fixture(scope="module")
def given():
    return mf.Parameters.of(**NETWORK, transfer={"k": [1.0, 0.5], "theta": [-0.1, 0.2]})


@pytest.fixture(scope="module")
def default():
    return mf.Parameters.of(**NETWORK)


@pytest.fixture(scope="module")
def as_default():
    """Equations whose default values are those that `given` gives."""
    return system_of(
        [
            {"expression": "k*Max(x - theta, 0)**2", "k": k, "theta": t}
            for k, t in ((1, -0.1), (0.5, 0.2))
        ],
        mf.MotifOnly(),
    )


def test_fixed_points_use_the_given_values(square, as_default, given, default):
    found, expected = mf.fixed_point(square, given), mf.fixed_point(as_default, default)
    np.testing.assert_allclose(found.dataset["rate"], expected.dataset["rate"], rtol=1e-10)


def test_trajectories_and_functions_use_the_given_values(square, as_default, given, default):
    ends = [
        mf.integrate(s, p, 3.0)["rate"].isel(time=-1)
        for s, p in ((square, given), (as_default, default), (square, default))
    ]
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-10)
    assert float(abs(ends[0] - ends[2]).min()) > 0.01
    x = jnp.array([0.1, 1.0])
    np.testing.assert_allclose(
        square.transfer(x, 1, given), 0.5 * rectified(np.asarray(x) - 0.2) ** 2
    )


@pytest.mark.slow
def test_sampled_networks_use_the_given_values(square):
    parameters = mf.Parameters.of(**NETWORK, transfer={"k": [1.0, 0.5], "theta": [-0.1, 0.2]})
    verified = mf.verify(square, parameters, sizes=[200, 400], networks=3, t1=5.0)
    default = mf.integrate(square, mf.Parameters.of(**NETWORK), 5.0)["rate"].isel(time=-1)
    seen = verified.networks["rate"].isel(time=-1).mean("network")
    theory = verified.theory["rate"].isel(time=-1)
    assert float(abs(seen - theory).max()) < 0.5 * float(abs(default - theory).max())
    assert bool((seen > 3 * default).all())


@pytest.mark.parametrize(
    ("transfer", "given", "expected"),
    [
        ('{function="softplus", gain=2}', "gain = {E=1, I=2}", {"gain": [1, 2], "threshold": 0}),
        (
            '{expression="k*Max(x - theta, 0)", k=1, theta=0.3}',
            "theta = [0.1, 0.2]",
            {"k": 1, "theta": [0.1, 0.2]},
        ),
        (
            '{E={function="softplus", gain=2}, I="tanh"}',
            "gain = {E=1, I=5}",
            {"gain": [1, 5], "threshold": 0, "offset": 0},
        ),
    ],
)
def test_spec_files(tmp_path, transfer, given, expected):
    path = tmp_path / "spec.toml"
    path.write_text(f"""[architecture]
populations = ["E", "I"]
transfer = {transfer}
[parameters]
N = 400
fractions = [0.6, 0.4]
mean = 0.001
g = 0.3
[parameters.transfer]
{given}
""")
    spec = mf.load_spec(path)
    system = mf.compile(mf.derive(spec.architecture, spec.closure))
    system.check(spec.numbers())
    found = system.transfer_parameters(spec.numbers())
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(
            np.broadcast_to(found[name], 2), np.broadcast_to(value, 2), err_msg=name
        )
    for suffix in (".toml", ".json"):
        spec.numbers().save(tmp_path / f"saved{suffix}")
        again = mf.Parameters.load(tmp_path / f"saved{suffix}")
        assert {n: v.tolist() for n, v in again.transfer.items()} == {
            n: v.tolist() for n, v in spec.numbers().transfer.items()
        }


def test_a_copy_keeps_them():
    parameters = mf.Parameters.of(**NETWORK, transfer={"gain": [1.0, 2.0]})
    for copy in (
        parameters.rescaled(200),
        parameters.without_motifs(),
        parameters.replace(transfer={"threshold": 1.0}),
    ):
        np.testing.assert_array_equal(copy.transfer["gain"], [1.0, 2.0])
    np.testing.assert_array_equal(parameters.dataset()["transfer_gain"], [1.0, 2.0])


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"gian": 2}, "no parameter 'gian'"),
        ({"k": [1, 2, 3]}, "k has shape"),
        ({"k": "a"}, "is not a number"),
        ({"k": np.nan}, "k = nan is not a finite number"),
        ({"k": {"E": 1}}, "k names"),
        ({"k": 1j}, "k = 1j is not an array of numbers"),
    ],
)
def test_bad_values(square, given, match):
    with pytest.raises(ParameterError, match=match):
        mf.fixed_point(square, mf.Parameters.of(**NETWORK, transfer=given))


@pytest.mark.parametrize(
    "make",
    [
        lambda: T.expression("k*x"),
        lambda: T.expression("k*x", k="a"),
        lambda: T.expression("k*x", k=np.inf),
        lambda: T.expression("k*x", k=1, q=2),
        lambda: T.expression("x", x=1),
        lambda: T.expression("k*x", k=-1, positive=["k"]),
        lambda: T.power_law(exponent=-1),
        lambda: T.naka_rushton(half=0),
        lambda: T.softplus(gain=0),
        lambda: T.siegert(V_th=1),
        lambda: T.jax_function(jnp.tanh, breaks=[1, 0]),
    ],
)
def test_bad_functions(make):
    with pytest.raises(ExpressionError) as caught:
        make()
    assert isinstance(caught.value, MotifieldError)


def test_code_that_cannot_be_imported_is_not_saved(tmp_path):
    system = system_of(T.jax_function(lambda x, k: k * jnp.tanh(x), k=2), mf.MotifOnly())
    with pytest.raises(SpecError, match="would lack the transfer function"):
        system.save(tmp_path / "m.py")
    assert not (tmp_path / "m.py").exists()
    system_of(T.jax_function(jax.nn.softplus), mf.MotifOnly()).save(tmp_path / "m.py")
    assert "import" in (tmp_path / "m.py").read_text()


def test_integer_exponents_that_are_not_given_take_the_closed_form():
    """A power law is then the rectified power, whose averages are closed; given, the exponent is a
    parameter of the quadrature, which agrees.
    """
    gains, exponents = (0.04, 0.5), (2, 3.0)
    shift = mf.Parameters.of(**NETWORK, transfer={"threshold": [0.1, -0.2]})
    laws = [T.power_law(exponent=n, gain=k) for n, k in zip(exponents, gains, strict=True)]
    powers = [T.rectified_power(n=n, gain=k) for n, k in zip(exponents, gains, strict=True)]
    system, closed = (system_of(f, mf.SecondMoment()) for f in (laws, powers))
    mean, variance = jnp.array([0.4, 1.2]), jnp.array([1.3, 0.2])

    def averages(of, parameters):
        prepared = of.coefficients(parameters).transfer
        each = (of.module.mean_rate, of.module.second_moment)
        return jax.jit(lambda p: jnp.stack([f(mean, variance, p) for f in each]))(prepared)

    found = averages(system, shift)
    np.testing.assert_array_equal(found, averages(closed, shift))
    given = system.complete(shift)
    assert "exponent" in given.transfer
    np.testing.assert_allclose(averages(system, given), found, rtol=1e-11)
    texts = [str(jax.make_jaxpr(lambda p: averages(system, p))(own)) for own in (shift, given)]
    assert ["while" in text for text in texts] == [False, True]  # the march of the quadrature


def test_what_addresses_an_exponent_writes_it_out():
    system = system_of(T.power_law(exponent=2, gain=0.5), mf.MotifOnly())
    parameters = mf.Parameters.of(**NETWORK)
    assert set(system.complete(parameters, ["factor(mean)"]).transfer) == {"gain", "threshold"}
    assert "exponent" in system.complete(parameters, ["transfer.exponent[E]"]).transfer
    given = parameters.replace(transfer={"exponent": 2.5})
    assert "exponent" in system.complete(given, ["factor(mean)"]).transfer
