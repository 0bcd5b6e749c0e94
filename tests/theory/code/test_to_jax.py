"""The generated code: its shape, that it stands alone, and that no text of a user becomes code."""

import json
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.theory.architecture.architecture import Architecture
from motifield.theory.architecture.transfer import TransferFunction, of
from motifield.theory.code.to_jax import generate
from motifield.theory.derivation import derive
from motifield.theory.equations.closures import CLOSURES, SecondMoment
from motifield.theory.expressions.parser import X

ALONE = """
import json, sys
from importlib.abc import MetaPathFinder

class Block(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "sympy" or name.startswith("motifield.theory"):
            raise ImportError("blocked: " + name)

sys.meta_path.insert(0, Block())
for blocked in ("sympy", "motifield.theory"):
    try:
        __import__(blocked)
    except ImportError:
        continue
    raise SystemExit("the hook does not block " + blocked)
import jax
jax.config.update("jax_enable_x64", True)
import importlib.util
import types
import jax.numpy as jnp
spec = importlib.util.spec_from_file_location("saved", sys.argv[1])
saved = importlib.util.module_from_spec(spec)
spec.loader.exec_module(saved)
given = {k: jnp.asarray(v) for k, v in json.load(open(sys.argv[2])).items()}
parameters = types.SimpleNamespace(**given)
state = saved.State(given["K"], given["kappa"], given["s"])
out = saved.vector_field(state, given["drive"], saved.coefficients(parameters))
print(json.dumps({k: v.tolist() for k, v in out._asdict().items()}))
"""


@pytest.mark.parametrize("closure", list(CLOSURES.values()), ids=list(CLOSURES))
def test_the_source_does_not_grow_with_the_populations(closure):
    sources = [
        generate(
            derive(Architecture([f"population{k}" for k in range(P)], transfer="tanh"), closure)
        )
        for P in (2, 64)
    ]
    assert len(sources[0].splitlines()) == len(sources[1].splitlines())
    symbolic = generate(derive(Architecture(None, transfer="tanh"), closure))
    assert symbolic.splitlines()[1:] == sources[0].splitlines()[1:]


def test_the_saved_source_runs_without_sympy_and_without_the_theory(tmp_path, three_populations):
    transfer = ["Max(x - 1/3, 0)", "exp(-x**2)", "Max(x - 1/3, 0)"]
    system = mf.compile(
        mf.derive(mf.Architecture(["1", "2", "3"], transfer=transfer), SecondMoment())
    )
    path = tmp_path / "saved.py"
    system.save(path)
    assert path.read_text() == system.source
    rng = np.random.default_rng(3)
    given = {
        n: np.asarray(getattr(three_populations, n)).tolist()
        for n in ("N", "fractions", "mean", "g", "tau_con", "tau_div", "tau_chn", "tau_rec")
    }
    state = {n: rng.uniform(0.1, 1, 3).tolist() for n in ("K", "kappa", "s")}
    given |= state | {"drive": np.asarray(three_populations.input(0.0)).tolist()}
    (tmp_path / "numbers.json").write_text(json.dumps(given))
    run = subprocess.run(
        [sys.executable, "-c", ALONE, path, tmp_path / "numbers.json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    alone = json.loads(run.stdout)
    here = system.vector_field(
        0.0, system.State(*(jnp.asarray(v) for v in state.values())), three_populations
    )
    for name, value in here._asdict().items():
        np.testing.assert_allclose(alone[name], value, rtol=1e-14, atol=1e-15)


def test_the_source_names_what_it_computes():
    source = generate(derive(Architecture(["E", "I"], transfer="tanh"), SecondMoment()))
    for wanted in (
        'jnp.einsum("pqr,r,q->p", c.chain, state.kappa, G)',
        "populations E, I",
        "gaussian.root(C)",
        "def vector_field(state, drive, c):",
    ):
        assert wanted in source


HOSTILE = [
    'E"""; print("HACKED")',
    "E(): pass; print('HACKED')",
    "x\\",
    "layer 2/3",
    "class",
    "π",
    "1",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_code(name, capsys):
    """Population names come from spec files of strangers; they are in the docstring and in the
    names of the functions.
    """
    made = derive(Architecture([name, "I"], transfer={name: "tanh(x)", "I": "Max(x, 0)"}))
    scope: dict = {}
    exec(compile(generate(made), "generated", "exec"), scope)
    assert "HACKED" not in capsys.readouterr().out
    assert float(scope["TRANSFER"][0](jnp.asarray(0.3))) == pytest.approx(np.tanh(0.3), rel=1e-15)


@pytest.mark.parametrize(
    "name", ["jax", "variance", "gaussian", "State", "mean_rate", "a b", "def", "print('HACKED')"]
)
def test_no_name_of_a_transfer_function_hides_another(name, two_populations):
    plain = mf.compile(mf.derive(mf.Architecture(transfer=of("tanh(x)"))))
    named = mf.compile(
        mf.derive(mf.Architecture(transfer=TransferFunction(name, of("tanh(x)").expression)))
    )
    state = plain.State(jnp.array([0.3, -0.2]), jnp.array([0.2, 0.1]))
    same = named.vector_field(0.0, named.State(*state), two_populations)
    np.testing.assert_allclose(
        np.stack(same), np.stack(plain.vector_field(0.0, state, two_populations)), rtol=1e-15
    )


def test_functions_with_the_same_name_stay_apart():
    made = generate(derive(Architecture(["a b", "a_b"], transfer=["tanh(x)", "erf(x)"])))
    assert "def phi_a_b(x):" in made
    assert "def phi_a_b_2(x):" in made
    assert "TRANSFER = (phi_a_b, phi_a_b_2,)" in made


def test_two_populations_with_one_function_share_it():
    source = generate(
        derive(Architecture(["E", "I", "S"], transfer=["tanh(x)", "erf(x)", "tanh(x)"]))
    )
    assert "TRANSFER_OF = (0, 1, 0)" in source
    assert source.count("jnp.tanh(x)") == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("log(1 + exp(2*x))/2", "jax.nn.softplus"),
        ("1/(1 + exp(-3*x + 1))", "jax.nn.sigmoid"),
        ("exp(x)/(1 + exp(x))", "jax.nn.sigmoid"),
        ("erf(x)", "jax.scipy.special.erf"),
        ("pi*tanh(x)", "3.141592653589793"),
    ],
)
def test_stable_forms(text, code):
    """SymPy's own JAX code overflows on these, or calls math.erf (design.md)."""
    made = derive(Architecture(transfer=text))
    source = generate(made)
    assert code in source
    scope: dict = {}
    exec(compile(source, "generated", "exec"), scope)
    phi = scope["TRANSFER"][0]
    far = np.asarray(phi(jnp.array([-1000.0, 1000.0])))
    assert np.all(np.isfinite(far))
    for x in (-1.3, 0.4):
        value = float(of(text).expression.subs(X, x))
        assert float(phi(jnp.asarray(x))) == pytest.approx(value, rel=1e-14)
