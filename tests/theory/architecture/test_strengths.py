"""How strengths are declared, and the functions of them that synapses know."""

import pytest

from motifield.errors import ArchitectureError
from motifield.theory.architecture.strengths import QUADRATIC, features_of, strengths_of


@pytest.mark.parametrize(
    "names", [QUADRATIC, ["in", "in*out"], ["in^2*out"], ["out*out^3", "in"], ["in", "x"]]
)
def test_features_by_name(names):
    """Also products, whose mark is that of all entries in names of entries."""
    assert features_of(names, ["m"]) == (tuple(names), ("m",))
    assert features_of("quadratic", []) == (QUADRATIC, ())


@pytest.mark.parametrize(
    ("assortativity", "patterns", "text"),
    [
        (["in", "in*up"], [], r"the feature name 'in\*up' has '\*'"),
        (["in", "in"], [], "the feature name 'in' is given twice"),
        ([], ["in*out"], r"the pattern name 'in\*out' has '\*'"),
        ([], ["m", "m"], "the pattern name 'm' is given twice"),
        (["in"], ["in"], "'in' is a function of strengths and a pattern"),
        ("cubic", [], "assortativity = 'cubic': no list of names"),
        ([], 3, "patterns = 3: no list of names"),
    ],
)
def test_bad_features(assortativity, patterns, text):
    with pytest.raises(ArchitectureError, match=text):
        features_of(assortativity, patterns)


def test_numbers_of_components():
    assert strengths_of({"mixture": "auto", "quenched": True}).components == "auto"
    for wrong in (0, True, "many", 2.5):
        with pytest.raises(ArchitectureError, match="at least 1, or 'auto', not"):
            strengths_of({"mixture": wrong})
