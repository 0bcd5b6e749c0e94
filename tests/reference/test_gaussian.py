"""Every row of a JSON file of Gaussian averages from mpmath, 30 digits.

The file is the one that MOTIFIELD_GAUSSIAN names, by default the copy beside this test; README.md beside it says how it was made.
"""

import json
import os
from itertools import groupby
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf

ROWS = json.loads(
    Path(
        os.environ.get("MOTIFIELD_GAUSSIAN", Path(__file__).with_name("gaussian.json"))
    ).read_text()
)
BY_EXPRESSION = {
    key: list(rows)
    for key, rows in groupby(sorted(ROWS, key=lambda r: r["expression"]), lambda r: r["expression"])
}


@pytest.mark.filterwarnings(
    "ignore:a Gaussian average is accurate only"
)  # the errors are measured here
@pytest.mark.parametrize("expression", BY_EXPRESSION)
def test_averages(expression):
    rows = BY_EXPRESSION[expression]
    module = mf.compile(mf.derive(mf.Architecture(transfer=expression), mf.SecondMoment())).module
    mu, variance = (jnp.array([float(r[name]) for r in rows]) for name in ("mu", "variance"))
    for name, average in (
        ("mean", module.mean_rate),
        ("second_moment", module.second_moment),
        ("mean_derivative", module.mean_gain),
    ):
        expected = np.array([r.get(name, np.nan) for r in rows])
        error = np.abs(np.asarray(average(mu, variance)) - expected) / (1 + np.abs(expected))
        error = error[np.isfinite(expected)]
        assert np.all(error <= 1e-9), (name, error.max())
