"""An architecture is consistent, or says what is not."""

import pytest
import sympy as sp

from motifield.errors import ArchitectureError, ExpressionError
from motifield.theory.architecture.architecture import MOTIFS, Architecture
from motifield.theory.expressions.parser import X


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"populations": "EI"}, "a list of different names"),
        ({"populations": []}, "a list of different names"),
        ({"populations": ["E", "E"]}, "a list of different names"),
        ({"populations": ["1", 1]}, "a list of different names"),
        (
            {"motifs": ["convergent", "triangle"]},
            r"unknown motifs \['triangle'\]: known are \['convergent'",
        ),
        ({"motifs": "chain"}, "unknown motifs"),
        ({"motifs": ["chain"]}, "chains need convergent and divergent"),
        ({"motifs": ["chain", "convergent"]}, "chains need convergent and divergent"),
        ({"motifs": ["chain", "divergent", "reciprocal"]}, "chains need convergent and divergent"),
        (
            {"populations": ["E", "I"], "transfer": ["tanh"] * 3},
            "3 transfer functions are given for the populations",
        ),
        (
            {"populations": ["E", "I"], "transfer": {"E": "tanh"}},
            r"given for \['E'\], the populations are \('E', 'I'\)",
        ),
        ({"populations": ["E"], "transfer": {"E": "tanh", "X": "tanh"}}, "the populations are"),
        ({"transfer": ["tanh", "erf"]}, "2 transfer functions are given for the populations None"),
        ({"transfer": {"E": "tanh"}}, "the populations are None"),
    ],
)
def test_inconsistent(options, match):
    with pytest.raises(ArchitectureError, match=match):
        Architecture(**options)


def test_a_transfer_function_must_be_one():
    with pytest.raises(ExpressionError, match="unknown name 'relu'"):
        Architecture(transfer="relu")


def test_defaults():
    made = Architecture()
    assert made.populations is None
    assert made.motifs == frozenset(MOTIFS)
    assert made.transfer[0].with_defaults == sp.Max(X, 0)


def test_transfer_functions_by_position_name_or_one_for_all():
    names = ["E", "I", "S"]
    by_position = Architecture(names, transfer=["tanh(x)", "erf(x)", "tanh(x)"])
    by_name = Architecture(names, transfer={"S": "tanh(x)", "E": "tanh(x)", "I": "erf(x)"})
    assert by_position == by_name
    assert [f.expression for f in by_name.distinct_transfers] == [sp.tanh(X), sp.erf(X)]
    assert by_name.transfer_index(3) == (0, 1, 0)
    one = Architecture(names, transfer={"function": "tanh", "gain": 2})
    assert [f.with_defaults for f in one.transfer] == [sp.tanh(2 * X)]
    assert one.transfer_index(3) == (0, 0, 0)
    assert (
        Architecture(names, transfer=["tanh", "tanh", "tanh"]).transfer
        == Architecture(names, transfer="tanh").transfer
    )


def test_immutable_and_hashable():
    made = Architecture(["E", "I"])
    with pytest.raises(AttributeError):
        made.motifs = frozenset()
    assert hash(made) == hash(Architecture(("E", "I")))
