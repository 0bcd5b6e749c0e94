"""The grid of a phase diagram is a sweep: on disk, gone on with, a status for every point."""

import numpy as np
import pytest
import xarray as xr

import motifield as mf
from motifield.errors import FileError, SpecError

NAMES, BOUNDS = ("mean", "g"), ((0.0, 0.03), (0.0, 2.0))


@pytest.fixture(scope="module")
def network():
    """x = 100 mean erf(x) has three solutions beyond 100 mean = sqrt(pi)/2."""
    system = mf.compile(mf.derive(mf.Architecture(["p"], "erf"), mf.MotifOnly()))
    numbers = {"N": 100, "fractions": [1.0], "mean": [[0.01]], "g": 0.1}
    return system, mf.Parameters.of(populations=["p"], **numbers)


def diagram(network, **options):
    given = {"bounds": BOUNDS, "grid": (4, 2), "curves": False, "starts": 4, "at_once": 3}
    return mf.continuation.phase_diagram(*network, NAMES, **{**given, **options})


def test_it_is_cut_off_and_gone_on_with(network, tmp_path):
    class Cut(Exception):
        pass

    def cut(text, part):
        if "4 of 8" in text:
            raise Cut

    path = tmp_path / "diagram.zarr"
    with pytest.raises(Cut):
        diagram(network, out=path, progress=cut)
    assert mf.sweeps.sweep_progress(path) == (2, 4)  # blocks are 1 x 2 points
    with pytest.raises(FileError, match="go on with it by resume=True"):
        diagram(network, out=path)
    with pytest.raises(SpecError, match="made with other options"):
        diagram(network, out=path, resume=True, seed=1)
    found, whole = diagram(network, out=path, resume=True), diagram(network)
    xr.testing.assert_equal(found.dataset, whole.dataset)
    assert whole["count"].values.tolist() == [[1, 1], [3, 3], [3, 3], [3, 3]]
    assert whole["attractors"].values.tolist() == [[1, 1], [2, 2], [2, 2], [2, 2]]
    # the slope at x = 0 is 2/sqrt(pi) > 1/2; where the state is far from 0, synapses are silent
    assert whole["bulk_unstable"].values[:, 0].tolist() == [0, 0, 0, 0]
    assert whole["bulk_unstable"].values[0, 1] == 1
    assert whole["count"].dtype.kind == "i"
    assert whole["feasible"].values.all()
    assert mf.sweeps.open_sweep(path).status.ok


def test_points_with_parameters_that_cannot_be_are_said(network):
    found = diagram(network, bounds=((0.0, 0.01), (-1.0, 1.0)), grid=(2, 3))
    assert found["count"].values.tolist() == [[0, 1, 1], [0, 3, 3]]
    assert str(found.status).startswith("2 of 6 grid points: not permitted: g is a standard dev")
    said = found["status"].values
    assert np.char.startswith(said, "not permitted").tolist() == [[True, False, False]] * 2
