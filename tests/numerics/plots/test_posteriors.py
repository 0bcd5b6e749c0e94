"""The picture of a posterior: a panel for each number, a line for each chain, its interval."""

import numpy as np
import pytest

from motifield.numerics.inference.draws import Posterior


def test_a_panel_for_each_number(made_up_fit):
    names = made_up_fit.problem.coordinates.names
    value = np.random.default_rng(0).normal(size=(2, 200, len(names)))
    u = value[..., : made_up_fit.problem.coordinates.size]
    statistics = {"lp": value[..., 0], "diverging": np.zeros((2, 200), dtype=bool)}
    found = Posterior.of(made_up_fit, value, u, statistics)
    axes = [ax for ax in found.plot().axes if ax.axison]
    assert [ax.get_xlabel() for ax in axes] == list(names)
    assert len(axes[0].patches) == 2
    ends = [line.get_xdata()[0] for line in axes[0].lines]
    assert ends == pytest.approx(np.quantile(value[..., 0], [0.025, 0.975]))
