"""Shape annotations are checked in every test: a wrong shape raises in each module that
tests/conftest.py names.

A wrong name in that list would switch the check of a module off without a word.
"""

import dataclasses
import importlib
from types import SimpleNamespace

import jax.numpy as jnp
import jaxtyping
import pytest

import motifield as mf

TWO, THREE, TABLE = jnp.ones(2), jnp.ones(3), jnp.ones((2, 2))


def erf():
    """The average of a function in closed form."""
    return mf.compile(mf.derive(mf.Architecture(transfer="erf(x)"))).module.mean_rate


def model(system, parameters):
    from motifield.numerics.system import Autonomous

    return Autonomous(system, parameters.P)


def of(module, name):
    return getattr(importlib.import_module(f"motifield.numerics.{module}"), name)


def equations_with(**values):
    """Compiled equations whose functions have these values, whatever their arguments."""
    module = SimpleNamespace(**{name: lambda *_, v=v: v for name, v in values.items()})
    return SimpleNamespace(module=module, coefficients=lambda parameters: None)


# By module one call in which one array has a shape that is not the annotated one.
WRONG = {
    "averages.expectation": lambda *_: erf()(TWO, THREE),
    "averages.joint_probabilities": lambda *_: of("averages.joint_probabilities", "bivariate")(
        TWO, THREE, TWO
    ),
    "averages.quadrature": lambda *_: of("averages.quadrature", "Quadrature")([jnp.tanh]).error(
        TWO, THREE
    ),
    "averages.rules": lambda *_: of("averages.rules", "march")(
        lambda x, z: (x,), 1, TWO, THREE, THREE, of("averages.rules", "Rule")(1e-9)
    ),
    "parameters.couplings": lambda *_: of("parameters.couplings", "Couplings")(
        TWO, TABLE, TABLE, TABLE, TABLE, TABLE, TABLE, TWO
    ),
    "parameters.inputs": lambda *_: of("parameters.inputs", "Constant")(TABLE),
    "parameters.parameters": lambda system, parameters: dataclasses.replace(parameters, g=THREE),
    "system.autonomous": lambda *own: model(*own).state(TABLE),
    "system.system": lambda system, parameters: type(system).variance(
        equations_with(variance=TABLE), system.rest(2), parameters
    ),
    "system.trajectories": lambda system, parameters: of("system.trajectories", "trajectory")(
        system, parameters, system.rest(2), TABLE
    ),
    "fixed_points.solve": lambda system, parameters: of("fixed_points.solve", "solved_near")(
        model(system, parameters), parameters, TABLE
    ),
}


def test_every_module_of_the_list_is_tried(shaped):
    assert sorted(WRONG) == sorted(shaped)


@pytest.mark.parametrize("module", WRONG)
def test_a_wrong_shape_raises(module, system_of, two_populations):
    with pytest.raises(jaxtyping.TypeCheckError, match=rf"motifield\.numerics\.{module}\b"):
        WRONG[module](system_of("erf(x)"), two_populations)
