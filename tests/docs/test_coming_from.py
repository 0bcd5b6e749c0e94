"""The pages on other tools: their models, run by those tools where they are installed."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import fsolve
from scipy.special import erf, erfcx

PAGES = Path(__file__).parents[2] / "docs" / "coming_from"


def block(page: str, language: str) -> str:
    """The block of a page that is for this test, without its indentation."""
    text = (PAGES / f"{page}.md").read_text()
    (found,) = re.findall(rf"^( *)```{language} test=[^\n]*\n(.*?)^\1```", text, re.M | re.S)
    indent, body = found
    return "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))


def run_block(page: str) -> dict:
    names: dict = {}
    exec(compile(block(page, "python"), f"{page}.md", "exec"), names)
    return names


def wilson_cowan(_, y):
    """The equations of the page on XPPAUT, by hand."""
    phi = 1 + erf((y - 1) / np.sqrt(2))
    drive = np.array([4 * phi[0] - 4 * phi[1] + 1.0, 3.2 * phi[0] - 0.4 * phi[1] - 0.5])
    return (drive - y) / np.array([1.0, 2.0])


def test_xppaut():
    import xpplab
    from scipy.integrate import solve_ivp

    with xpplab.Model.from_text(block("xppaut", "ode")) as model:
        found = model.run(total=10, dt=0.5, meth="cvode", tol=1e-9, atol=1e-11)
        ours = np.array([found["ke"], found["ki"]])
    times = np.arange(ours.shape[1]) * 0.5
    wanted = solve_ivp(wilson_cowan, (0, 10), [0, 0], t_eval=times, rtol=1e-10, atol=1e-12).y
    np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-5)


def test_pyrates():
    pytest.importorskip("pyrates")
    K = run_block("pyrates")["found"]["K"].to_numpy().ravel()
    # docs/theory.md, section 5: the same network comes to rest at 1.9619 under `MotifOnly`
    assert K[-1] == pytest.approx(1.9619, abs=2e-3)


def test_brian2():
    pytest.importorskip("brian2")
    found = run_block("brian2")
    # 800 synapses of .001 and 200 of -.004 add up to 0, so that the mean is the input
    assert found["mean"] == pytest.approx(0.5, abs=0.03)


TAU_M, TAU_R, THRESHOLD, RESET = 0.020, 0.002, 0.020, 0.010


def lif_rate(mean, sigma):
    """Siegert's formula with SciPy's quadrature, SI units."""
    low, high = (RESET - mean) / sigma, (THRESHOLD - mean) / sigma
    whole = quad(lambda u: erfcx(-u), low, high, epsabs=0, epsrel=1e-12)[0]
    return 1 / (TAU_R + TAU_M * np.sqrt(np.pi) * whole)


def working_point():
    """Rates of the network of the page on NNMT, which are equal in both populations."""
    K, J = np.array([1000, 250]), np.array([1e-4, -5e-4])

    def misfit(nu):
        mean = TAU_M * (np.sum(K * J) * nu[0] + 1000 * 1e-4 * 12)
        variance = TAU_M * (np.sum(K * J**2) * nu[0] + 1000 * 1e-8 * 12)
        return nu - lif_rate(mean, np.sqrt(variance))

    return float(fsolve(misfit, [10.0])[0])


def test_nnmt():
    pytest.importorskip("nnmt")
    np.testing.assert_allclose(run_block("nnmt")["rates"], working_point(), rtol=1e-5)


@pytest.mark.slow
def test_the_page_on_nnmt_finds_the_working_point():
    """The page's own loop, against Siegert's formula and SciPy's root finder."""
    text = (PAGES / "nnmt.md").read_text()
    blocks = re.findall(r"^( *)```python\n(.*?)^\1```", text, re.M | re.S)
    names: dict = {}
    for indent, body in blocks[:2]:
        lines = (line.removeprefix(indent) for line in body.splitlines(keepends=True))
        exec(compile("".join(lines), "nnmt.md", "exec"), names)
    np.testing.assert_allclose(1000 * names["rates"], working_point(), rtol=1e-6)
