"""A network of two populations with transfer functions that compile quickly."""

import pytest

import motifield as mf
from motifield.explorer import subject_of


@pytest.fixture(scope="session")
def pair():
    """The equations, and numbers at which motifs are feasible up to a factor of 2.5."""
    system = mf.compile(mf.derive(mf.Architecture(["E", "I"], "erf"), mf.MotifOnly()))
    numbers = {"mean": [[0.002, -0.003], [0.003, -0.002]], "g": 0.3, "input": 0.5}
    motifs = mf.Motifs.shared(0.2)
    return system, mf.Parameters.of(
        populations=["E", "I"], N=400, fractions=[0.5, 0.5], motifs=motifs, **numbers
    )


@pytest.fixture(scope="session")
def subject(pair):
    """With two sliders, of which one leads to statistics that no network has."""
    ranges = {"factor(motifs)": (0.0, 5.0), "input[E]": (0.0, 2.0)}
    return subject_of(*pair, ranges, title="pair", t1=10.0)
