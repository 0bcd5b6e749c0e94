"""Tests can fail: wrong indices or signs of strengths and assortativity in the generated code move
the fixed point of another program's numbers, or are noticed by networks
(`tests/numerics/verification/test_sampled_strengths.py`).
"""

import json
from pathlib import Path
from types import ModuleType

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.theory.architecture import Mixture

CASES = json.loads((Path(__file__).parent / "reference" / "strengths.json").read_text())
GAMMA = "jnp.transpose(gamma, (2, 3, 0, 1))"
ONE = "state.K[None] + 0 * shift"
RESTING, MOVED = 1e-8, 1e-6  # of d(state)/dt: theta is .002 here

# (what is wrong, text in the generated source, what stands there instead)
MUTATIONS = [
    ("Gamma's features transposed", GAMMA, "jnp.transpose(gamma, (3, 2, 0, 1))"),
    ("Gamma's populations transposed", GAMMA, "jnp.transpose(gamma, (2, 3, 1, 0))"),
    ("the sign of Gamma", GAMMA, f"-{GAMMA}"),
    ("eta of the target", '"klpq,ql->pk", c.assortativity', '"klqp,ql->pk", c.assortativity'),
    ("the fraction of the target", f"None, :] * {GAMMA}", f":, None] * {GAMMA}"),
    ("no means of out-strengths", 'jnp.einsum("mpq,mq->pq", c.column_centres, R_c) + ', ""),
    ("no means of features", 'jnp.einsum("lmq,mq->ql", c.centred, R_c) + ', ""),
    ("half of the crossed variance", "crossed=2 *", "crossed=1 *"),
    ("gains in place of rates", "c.centred, R_c)", "c.centred, G_c)"),
    ("one mean for all components", "derivatives(state.K[None] + shift", f"derivatives({ONE}"),
    (
        "Cov(b, u) of other sources",
        '"mpqr,r,mq->pq", c.column_str',
        '"mqpr,r,mq->pq", c.column_str',
    ),
    ("out-strengths of the target", '"q,pq->p", c.columns', '"q,qp->p", c.columns'),
]


@pytest.fixture(scope="module")
def given():
    """Numbers, the source of their equations, and the state at the fixed point."""
    case = CASES[1]
    assert len(set(case["phi"])) == 1
    names = [str(k + 1) for k in range(len(case["alpha"]))]
    own = case["strengths"]
    strengths = {name: [p[name] for p in own] for name in ("weights", "means", "covariances")}
    parameters = mf.Parameters.of(
        populations=names,
        N=case["N"],
        fractions=case["alpha"],
        mean=case["mean"],
        g=case["g"],
        motifs=mf.Motifs(*(case[f"tau_{name}"] for name in ("con", "div", "chn", "rec"))),
        input=case["input"],
        strengths={"features": ("in", "out"), "gamma": case["gamma"], **strengths},
    )
    architecture = mf.Architecture(names, case["phi"][0], strengths=Mixture(), assortativity=True)
    source = mf.compile(mf.derive(architecture, mf.SecondMoment())).source
    point = case["results"]["second-moment"]["fixed_point"]
    s = np.hypot(point["rate"], point["rate_sd"])
    state = {"K": point["mean"], "kappa": point["kappa"], "theta": point["theta"], "s": s}
    return parameters, source, {name: jnp.asarray(v) for name, v in state.items()}


def motion(source, parameters, state):
    """The largest derivative in time."""
    module = ModuleType("mutated")
    exec(compile(source, "mutated", "exec"), module.__dict__)
    found = module.vector_field(
        module.State(**state), parameters.input(0.0), module.coefficients(parameters)
    )
    return max(float(jnp.abs(v).max()) for v in found)


def test_the_generated_code_itself_rests(given):
    parameters, source, state = given
    assert motion(source, parameters, state) < RESTING


@pytest.mark.parametrize(("what", "old", "new"), MUTATIONS, ids=[m[0] for m in MUTATIONS])
def test_a_wrong_term_is_noticed(what, old, new, given):
    parameters, source, state = given
    assert source.count(old) == 1, "the generated code no longer has this text: adapt the mutation"
    assert motion(source.replace(old, new), parameters, state) > MOVED, what
