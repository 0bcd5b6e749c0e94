"""The command line as a user calls it, small specs, and verbs that compute once or not at all."""

import importlib
import json
import re
import sys

import pytest
import xarray as xr

import motifield.numerics.verification  # noqa: F401  (holds verbs before stubs replace them)
from motifield.numerics.results import OK, Result

PAIR = """
title = "pair"
t1 = 12.0
[architecture]
populations = ["E", "I"]
transfer = "1 + erf(x - 1)"
closure = "second-moment"
[parameters]
N = 400
fractions = [0.5, 0.5]
mean = [[0.002, -0.003], [0.003, -0.002]]
g = 0.3
input = 0.5
motifs = { shared = 0.04 }
"""


@pytest.fixture
def call(monkeypatch, capsys):
    """Runs a command: exit status, standard output, standard error."""
    from motifield.cli import run

    def invoke(*arguments):
        monkeypatch.setattr(sys, "argv", ["motifield", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            run()
        out = capsys.readouterr()
        return stop.value.code or 0, out.out, out.err

    return invoke


@pytest.fixture
def answer(call):
    """Runs a command with --json, which must succeed: what it says."""

    def ask(*arguments):
        code, out, err = call(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return ask


@pytest.fixture
def recorded(answer, tmp_path):
    """Runs a command with --json, -o and --plot, which must succeed: what it says and writes.

    The picture must have contents: an empty pair of axes has fewer bytes.
    """

    def ask(*arguments):
        numbers, picture = tmp_path / "numbers.nc", tmp_path / "picture.png"
        said = answer(*arguments, "-o", numbers, "--plot", picture)
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size > 10_000
        return said, xr.load_dataset(numbers, engine="h5netcdf")

    return ask


@pytest.fixture
def refused(call, monkeypatch, tmp_path):
    """Checks that a command ends with one message and status 2, and leaves no file behind."""

    def check(arguments, match, **files):
        monkeypatch.chdir(tmp_path)
        before = sorted(p.name for p in tmp_path.iterdir())
        code, out, err = call(*(str(a).format(**files) for a in arguments))
        assert (code, out) == (2, "")
        assert re.search(match, err)
        assert "Traceback" not in err
        assert sorted(p.name for p in tmp_path.iterdir()) == before
        return err

    return check


@pytest.fixture(scope="session")
def new_spec(tmp_path_factory):
    """`new_spec("title", {...}, N=1000, ...)`: a spec of this architecture and parameters."""

    def write(title, architecture, **parameters):
        path = tmp_path_factory.mktemp("specs") / f"{title}.json"
        told = {"title": title, "architecture": architecture, "parameters": parameters}
        path.write_text(json.dumps(told))
        return path

    return write


@pytest.fixture
def pair(tmp_path):
    """A spec of two populations."""
    path = tmp_path / "pair.toml"
    path.write_text(PAIR)
    return path


@pytest.fixture
def once(monkeypatch):
    """`once("system.integrate")`: the verb computes at its first call, whose result all others get.

    Returns the list of calls, (arguments, options) each.
    """

    def watch(name):
        room, verb = name.rsplit(".", 1)
        face = importlib.import_module(f"motifield.numerics.{room}")
        compute, calls, results = getattr(face, verb), [], []

        def computed(*arguments, **options):
            calls.append((arguments, options))
            if not results:
                results.append(compute(*arguments, **options))
            return results[0]

        monkeypatch.setattr(face, verb, computed)
        return calls

    return watch


@pytest.fixture
def stub(monkeypatch):
    """`stub("system.integrate", result)`: the verb gives this result. Returns the list of calls."""

    def replace(name, result):
        room, verb = name.rsplit(".", 1)
        face, calls = importlib.import_module(f"motifield.numerics.{room}"), []

        def given(*arguments, **options):
            calls.append((arguments, options))
            return result

        monkeypatch.setattr(face, verb, given)
        return calls

    return replace


class Made(Result):
    """A result with whatever a test gives it."""

    def __init__(self, rows=(), **given):
        self.title, self.status, self._rows = "made", OK, list(rows)
        for name, value in given.items():
            setattr(self, name, value)

    def rows(self):
        return self._rows

    def spread_rows(self):
        return []

    def json(self):
        return {"status": str(self.status), "rows": self._rows}


@pytest.fixture
def made():
    """`Made`."""
    return Made
