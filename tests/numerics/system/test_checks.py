"""Which sets of a batch fit the equations, against each set by itself."""

import jax
import numpy as np

import motifield as mf
from motifield.errors import MotifieldError
from motifield.numerics.system import misfits


def refused(system, parameters):
    try:
        system.check(parameters)
    except MotifieldError:
        return True
    return False


def test_misfits_of_a_batch_are_the_sets_that_are_refused():
    """Parameters of functions out of range, inputs and motifs that the equations lack, and motifs
    that make a variance negative.
    """
    architecture = mf.Architecture(
        ["E", "I"],
        mf.transfer.erf(gain=1.0),
        motifs=["convergent", "divergent"],
        membrane=mf.filters.rational("1/(1 + tau*s)", tau=1.0),
    )
    system = mf.compile(mf.derive(architecture, mf.MotifOnly()))
    given = {"N": 400, "fractions": [0.5, 0.5], "mean": 0.0, "g": 0.3, "populations": ["E", "I"]}
    base = mf.Parameters.of(**given, motifs=mf.Motifs(0.01), input=0.2)
    good = system.complete(base)
    chains = mf.Motifs(0.1, 0.1, 0.01, 0.0)
    negative = mf.Motifs(-0.01)
    sets = [
        good,
        good.replace(input=3.0),
        good.replace(transfer={"gain": {"E": 1.0, "I": np.nan}}),
        good.replace(membrane={"tau": {"E": -1.0, "I": 1.0}}),
        good.replace(spread=0.1),
        good.replace(noise=np.array([0.1, 0.0])),
        system.complete(mf.Parameters.of(**given, motifs=chains, input=0.2)),
        system.complete(mf.Parameters.of(**given, motifs=negative, input=0.2, check=False)),
        good.replace(transfer={"gain": 2.0}),
    ]
    batch = jax.tree.map(lambda *v: np.stack(v), *sets)
    each = [refused(system, own) for own in sets]
    assert misfits(system, batch).tolist() == each
    assert each == [False, False, *[True] * 6, False]
