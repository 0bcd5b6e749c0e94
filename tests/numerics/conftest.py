"""Networks that several tests of analysis look at."""

import pytest


@pytest.fixture(scope="session")
def oscillating_network():
    """System and parameters of excitation with slower inhibition, which oscillates when it is driven."""
    import motifield as mf
    from motifield.theory import filters

    architecture = mf.Architecture(["E", "I"], "1 + erf((x - 1)/sqrt(2))", membrane={"E": filters.membrane(1.0), "I": filters.membrane(2.0)})
    parameters = mf.Parameters.of(populations=["E", "I"], N=1000, fractions=[0.8, 0.2], mean=[[0.005, -0.02], [0.005, -0.002]], g=0.2,
                                  motifs=mf.Motifs.shared(0.004), input=[0.0, -0.5])  # fmt: skip
    return mf.compile(mf.derive(architecture, mf.MotifOnly())), parameters
