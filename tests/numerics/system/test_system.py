"""The compiled system against an implementation by hand (conftest.ByHand), and
its transformations.
"""

import pickle

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError, PrecisionError

CLOSURES = ("MotifOnly", "LowRank", "SecondMoment")
RELU, ERF, TANH, SQUARE = "Max(x - 1/4, 0)", "1 + erf(x - 1/2)", "1 + tanh(x - 3/2)", "Max(x, 0)**2"


def random_state(system, P, seed):
    rng = np.random.default_rng(seed)
    return system.State(*(jnp.asarray(rng.uniform(0.05, 0.9, P)) for _ in system.states))


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize(
    "transfer",
    [(TANH,), (RELU, ERF), (ERF, ERF, ERF), (RELU, SQUARE, ERF, RELU)],
    ids=["P=1", "P=2", "P=3", "P=4"],
)
def test_against_explicit_loops(transfer, closure, network_of, by_hand, functions):
    P = len(transfer)
    parameters = network_of(P, seed=P)
    system = mf.compile(
        mf.derive(
            mf.Architecture(parameters.populations, transfer=list(transfer)), getattr(mf, closure)()
        )
    )
    expected = by_hand(parameters, [functions[f] for f in transfer], closure)
    evaluate = jax.jit(
        lambda state: (
            system.vector_field(0.0, state, parameters),
            system.variance(state, parameters),
            system.rates(state, parameters),
        )
    )
    for seed in range(3):
        state = random_state(system, P, seed)
        found, variance, rates = evaluate(state)
        extra = () if closure != "SecondMoment" else (state.s,)
        Delta = expected.variance(state.kappa, *extra)
        np.testing.assert_allclose(np.stack(found), expected(0.0, *state), rtol=1e-10, atol=1e-11)
        np.testing.assert_allclose(variance, Delta, rtol=1e-13)
        np.testing.assert_allclose(rates, expected.averages(state.K, Delta)[0], rtol=1e-10)


def test_the_comparison_is_of_numbers_that_matter(two_populations, by_hand, functions):
    """Each motif's share in dK or Delta is well above the tolerance of the comparison above."""
    from motifield import Motifs

    state = [np.array([0.4, 0.6]), np.array([0.5, 0.3]), np.array([0.7, 0.4])]
    full = by_hand(two_populations, [functions[ERF]] * 2, "SecondMoment")(0.0, *state)
    for name in ("tau_con", "tau_div", "tau_chn", "tau_rec"):
        without = two_populations.replace(**{name: jnp.zeros_like(getattr(two_populations, name))})
        difference = by_hand(without, [functions[ERF]] * 2, "SecondMoment")(0.0, *state) - full
        assert np.abs(difference).max() > 1e-4, name
    assert Motifs._fields == ("convergent", "divergent", "chain", "reciprocal")


def loss(system, state, weights):
    """A sum over every component of the vector field and of the variance, each with its
    own weight.
    """

    def value(parameters):
        outputs = [*system.vector_field(0.3, state, parameters), system.variance(state, parameters)]
        return sum(jnp.sum(w * v) for w, v in zip(weights, outputs, strict=True))

    return value


@pytest.mark.parametrize("closure", CLOSURES)
def test_gradients_with_respect_to_every_parameter(closure, two_populations, system_of):
    system, parameters = system_of(ERF, closure), two_populations
    state = random_state(system, 2, 5)
    rng = np.random.default_rng(8)
    value = loss(
        system,
        state,
        [jnp.asarray(rng.uniform(0.5, 1.5, 2)) for _ in range(len(system.states) + 1)],
    )
    gradient, value = jax.jit(jax.grad(value))(parameters), jax.jit(value)
    leaves, tree = jax.tree.flatten(parameters)
    seen = 0
    for k, (leaf, slope) in enumerate(zip(leaves, jax.tree.leaves(gradient), strict=True)):
        for index in np.ndindex(leaf.shape):
            step = 1e-5 * max(1.0, abs(float(leaf[index])))
            up, down = (
                value(
                    jax.tree.unflatten(tree, [*leaves[:k], leaf.at[index].add(e), *leaves[k + 1 :]])
                )
                for e in (step, -step)
            )
            assert float(slope[index]) == pytest.approx(
                float(up - down) / (2 * step), rel=1e-6, abs=1e-8
            )
            seen += 1
    # N, fractions, mean, g, three (2, 2, 2) tensors, tau_rec, tau_inp, noise, and the three inputs
    assert seen == 1 + 2 + 4 + 4 + 3 * 8 + 4 + 4 + 2 + 3 * 2
    nothing = {"MotifOnly": {"tau_div"}}.get(closure, set())  # divergence enters A only
    assert {
        n
        for n in ("N", "fractions", "mean", "g", "tau_con", "tau_div", "tau_chn", "tau_rec")
        if not np.any(getattr(gradient, n))
    } == nothing


def test_jit_and_vmap_over_parameter_sets(two_populations, system_of):
    system = system_of(ERF, "SecondMoment")
    state = random_state(system, 2, 1)
    scales = jnp.linspace(0.5, 1.5, 100)

    def scaled(s):
        return two_populations.replace(
            g=two_populations.g * s,
            tau_chn=two_populations.tau_chn * s,
            input=two_populations.input(0.0) * s,
        )

    together = jax.jit(jax.vmap(lambda s: jnp.stack(system.vector_field(0.0, state, scaled(s)))))(
        scales
    )
    assert together.shape == (100, 3, 2)
    one = jax.jit(lambda p: jnp.stack(system.vector_field(0.0, state, p)))
    for k in (0, 37, 99):
        np.testing.assert_allclose(together[k], one(scaled(scales[k])), rtol=1e-12)
    stacked = eqx.filter_vmap(scaled)(scales)
    np.testing.assert_allclose(
        eqx.filter_vmap(lambda p: jnp.stack(system.vector_field(0.0, state, p)))(stacked),
        together,
        rtol=1e-12,
    )


def test_the_state_has_names_and_rest_is_silent(system_of):
    system = system_of(RELU, "SecondMoment")
    assert system.states == ("K", "kappa", "s")
    rest = system.rest(3)
    assert rest._fields == ("K", "kappa", "s")
    assert all(v.shape == (3,) and not np.any(v) for v in rest)


def test_the_jacobian_is_finite_at_rest(three_populations, system_of):
    """At rest the variance is 0: square roots would make the Jacobian infinite."""
    for closure in CLOSURES:
        system = system_of(ERF, closure)
        jacobian = jax.jit(
            jax.jacfwd(lambda s, system=system: system.vector_field(0.0, s, three_populations))
        )(system.rest(3))
        assert all(np.all(np.isfinite(v)) for v in jax.tree.leaves(jacobian))


def test_transfer_by_population():
    system = mf.compile(mf.derive(mf.Architecture(["E", "I"], transfer=["tanh(x)", "2*x"])))
    assert float(system.transfer(jnp.asarray(0.5), 0)) == pytest.approx(np.tanh(0.5))
    assert float(system.transfer(jnp.asarray(0.5), 1)) == 1.0
    assert (
        float(mf.compile(mf.derive(mf.Architecture(transfer="2*x"))).transfer(jnp.asarray(0.5), 7))
        == 1.0
    )


def test_parameters_for_other_populations_are_refused(two_populations):
    system = mf.compile(mf.derive(mf.Architecture(["I", "E"])))
    with pytest.raises(
        ParameterError,
        match=r"the equations are for populations \['I', 'E'\], the parameters for \['E', 'I'\]",
    ):
        system.check(two_populations)


@pytest.mark.parametrize("missing", ["reciprocal", "chain"])
def test_motifs_that_the_equations_leave_out_are_refused(missing, two_populations):
    system = mf.compile(
        mf.derive(
            mf.Architecture(motifs=[m for m in mf.theory.architecture.MOTIFS if m != missing])
        )
    )
    with pytest.raises(
        ParameterError,
        match=f"the parameters have {missing} motifs, the architecture has none: add '{missing}'",
    ):
        mf.integrate(system, two_populations, 1.0)
    system.check(two_populations.without_motifs())


def test_single_precision_is_refused():
    with jax.enable_x64(False), pytest.raises(PrecisionError, match="float32"):
        mf.compile(mf.derive(mf.Architecture()))


def test_errors_in_generated_code_show_their_line(system_of):
    """The source is registered with linecache, so that a traceback shows the generated line."""
    import linecache

    system = system_of(RELU)
    line = system.source.splitlines().index("def vector_field(state, drive, c):") + 1
    assert linecache.getline(system.module.__file__, line) == "def vector_field(state, drive, c):\n"


def test_a_repr_is_short(system_of):
    text = repr(system_of(RELU))
    assert text.startswith("System of low-rank mean-field equations\n")
    assert "states: K, kappa" in text
    assert len(text.splitlines()) < 20
    assert "<td>closure</td><td>LowRank</td>" in system_of(RELU)._repr_html_()


def test_equal_equations_are_one_system():
    """So JAX compiles what uses them once, however often a notebook's cell or a command
    makes them.
    """

    def made(*arguments, closure=mf.LowRank, **options):
        return mf.compile(mf.derive(mf.Architecture(*arguments), closure()), **options)

    first = made(None, "tanh(x)")
    assert first == made(None, "tanh(x)")
    assert hash(first) == hash(made(None, "tanh(x)"))
    others = [
        made(None, "tanh(2*x)"),
        made(["E", "I"], "tanh(x)"),
        made(None, "tanh(x)", closure=mf.MotifOnly),
        made(None, "tanh(x)", tolerance=1e-6),
    ]
    assert all(first != other for other in others)
    functions = [mf.transfer.jax_function(lambda x, k=k: k * x) for k in (1.0, 2.0)]
    assert made(None, functions[0]) != made(None, functions[1])
    assert made(None, functions[0]) == made(None, functions[0])


@pytest.mark.parametrize(
    "given", [(None, TANH), (["E", "I"], mf.transfer.softplus(gain=2)), (["a"], "erf")]
)
def test_a_system_goes_to_another_process_and_is_the_same_there(given):
    own = mf.compile(mf.derive(mf.Architecture(*given), mf.SecondMoment()), tolerance=1e-9)
    text = pickle.dumps(own)
    assert len(text) < 20_000  # equations, no tables
    again = pickle.loads(text)
    assert again == own
    assert again.module is own.module
    assert again.states == own.states
