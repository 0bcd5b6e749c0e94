"""A network whose equations compile quickly."""

import pytest

import motifield as mf


@pytest.fixture(scope="module")
def system():
    return mf.compile(mf.derive(mf.Architecture(["E", "I"], "1 + erf(x - 1)"), mf.MotifOnly()))


@pytest.fixture(scope="module")
def parameters():
    return mf.Parameters.of(
        populations=["E", "I"],
        N=400,
        fractions=[0.6, 0.4],
        mean=[[0.002, -0.003], [0.003, -0.002]],
        g=0.3,
        motifs=mf.Motifs(0.02, 0.03, 0.0, 0.0),
        input=0.5,
    )
