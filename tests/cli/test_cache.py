"""What commands keep, how their processes are set up, what they load, and that they are quiet."""

import atexit
import gc
import json
import os
import subprocess
import sys
import warnings

import pytest

from motifield import cache, keeping
from motifield.cli import process
from motifield.numerics.system import kept_equations

ONE = """
[architecture]
populations = ["E"]
transfer = "1 + erf(x - 1)"
closure = "motif-only"
[parameters]
N = 400
fractions = [1]
mean = [[-0.002]]
g = 0.3
input = INPUT
motifs = { shared = 0.04 }
"""
HEAVY = (
    *("diffrax", "optimistix", "optax", "jaxcont", "matplotlib", "networkx", "h5netcdf"),
    *("scipy.stats", "scipy.optimize", "scipy.integrate", "scipy.io", "scipy.cluster"),
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def loaded_by(code):
    """The modules that a new process has after some code."""
    text = f"import sys\n{code}\nprint('modules', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.rpartition("modules ")[2].split())


def test_deriving_loads_no_numbers(tmp_path):
    (tmp_path / "one.toml").write_text(ONE.replace("INPUT", "0.5"))
    arguments = ["motifield", "derive", str(tmp_path / "one.toml")]
    code = (
        f"sys.argv = {arguments}\nfrom motifield.cli import run\ntry: run()\nexcept SystemExit: 0"
    )
    found = loaded_by(code)
    assert "motifield.theory.equations.derive" in found
    assert not found & {"jax", "xarray", "pandas", "scipy", "equinox", *HEAVY}


def test_commands_load_what_they_need_alone():
    rooms = (
        *("system.trajectories", "fixed_points.search", "fixed_points.responses"),
        *("stability.verdict", "spec.spec", "parameters.parameters"),
    )
    found = loaded_by("\n".join(f"import motifield.numerics.{room}" for room in rooms))
    assert not found & set(HEAVY)


@pytest.mark.skipif(sys.platform == "win32", reason="no forked clean environment")
def test_the_second_command_finds_what_the_first_kept_and_a_damaged_entry_is_made_again(tmp_path):
    home = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_", "MOTIFIELD_"))}
    home |= {cache.VARIABLE: str(tmp_path / "kept")}

    def command(name, number, without=()):
        (tmp_path / f"{name}.toml").write_text(ONE.replace("INPUT", str(number)))
        code = "import sys; from motifield.cli import run\ntry: run()\n"
        code += f"finally: assert not {set(without)} & set(sys.modules)"
        line = [sys.executable, "-c", code]
        given = [*line, "integrate", str(tmp_path / f"{name}.toml"), "--json"]
        done = subprocess.run(given, capture_output=True, text=True, env=home, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    def files():
        return {path: path.read_bytes() for path in (tmp_path / "kept").rglob("*-cache")} | {
            path: path.read_bytes()
            for path in (tmp_path / "kept").rglob("*")
            if path.suffix in (keeping.SUFFIX, kept_equations.SUFFIX)
        }

    first = command("first", 0.5)
    kept = files()
    assert {keeping.SUFFIX, kept_equations.SUFFIX} <= {path.suffix for path in kept}
    # the program of the trajectory, and at most two small ones: numbers are checked without JAX
    assert sum(path.name.endswith("-cache") for path in kept) <= 3
    command("other", 0.4, without=("sympy", "xarray", "pandas"))
    assert files().keys() == kept.keys()  # nothing was derived or compiled
    for path, content in kept.items():
        path.write_bytes(content[: len(content) // 2])
    assert command("first", 0.5) == first


# ---- the folder


@pytest.mark.skipif(sys.platform == "win32", reason="no forked clean environment")
def test_commands_at_the_same_time_share_a_folder(tmp_path):
    """Both find it empty and write the same entries; a third finds what they left."""
    home = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_", "MOTIFIELD_"))}
    home |= {cache.VARIABLE: str(tmp_path / "kept")}
    (tmp_path / "one.toml").write_text(ONE.replace("INPUT", "0.5"))
    line = [sys.executable, "-c", "from motifield.cli import run; run()"]
    given = [*line, "integrate", str(tmp_path / "one.toml"), "--json"]

    def begun():
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(given, **pipes, text=True, env=home)

    both = [begun(), begun()]
    said = [process.communicate(timeout=120) for process in both]
    said.append(begun().communicate(timeout=120))
    assert said[0][0]
    assert all(one == (said[0][0], "") for one in said)


def test_the_folder_is_the_users_own_or_named_or_off(monkeypatch, tmp_path):
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    assert cache.folder().name == "motifield"
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    assert cache.folder() == tmp_path
    monkeypatch.setenv(cache.VARIABLE, "OFF")
    assert cache.folder() is None
    assert cache.usable() is None


def test_a_folder_that_cannot_be_made_is_not_used(place):
    place.write_text("a file")
    assert cache.usable() is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners")
def test_a_folder_that_others_can_write_to_is_not_used(place):
    assert cache.usable() == place
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o777)
    assert cache.usable() is None


def test_the_size_is_bounded_and_what_was_used_last_stays(tmp_path):
    for k in range(10):
        path = tmp_path / f"{k}"
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 + k, 1e9 + k))
    cache.trim(tmp_path, limit=1000)
    assert len(list(cache.entries(tmp_path))) == 10
    cache.trim(tmp_path, limit=999)
    assert [path.name for path, _ in cache.entries(tmp_path)] == ["6", "7", "8", "9"]


def test_the_command_shows_and_clears(call, answer, place, monkeypatch):
    assert answer("cache")["entries"] == 0
    (place / "machine").mkdir(parents=True)
    (place / "machine" / "entry").write_bytes(bytes(300))
    shown = answer("cache")
    assert shown == {
        **{"folder": str(place), "entries": 1, "bytes": 300},
        **{"limit": cache.LIMIT, "removed": 0},
    }
    assert call("cache")[1].startswith(f"{place}: 1 entries, 0.0 of at most")
    assert "removed 1 entries" in call("cache", "--clear")[1]
    assert answer("cache")["entries"] == 0
    monkeypatch.setenv(cache.VARIABLE, "off")
    assert call("cache") == (0, "the cache is off\n", "")


# ---- the process


@pytest.fixture
def fresh(monkeypatch, place):
    """A process in which JAX is not there yet, and in which the user has set nothing."""
    monkeypatch.setattr(os, "environ", {cache.VARIABLE: str(place)})
    monkeypatch.delitem(sys.modules, "jax")
    before = gc.get_threshold()
    with warnings.catch_warnings():
        yield os.environ
    gc.set_threshold(*before)
    atexit.unregister(gc.freeze)


def test_what_runs_once_is_compiled_fast(fresh):
    fresh["TF_CPP_MIN_LOG_LEVEL"] = "1"  # JAX's own, inherited
    process.prepare(once=True)
    assert fresh["TF_CPP_MIN_LOG_LEVEL"] == "3"
    flags = fresh["XLA_FLAGS"].split()
    assert "--xla_backend_optimization_level=0" in flags
    assert fresh["JAX_ENABLE_X64"] == "1"
    assert fresh["JAX_COMPILATION_CACHE_DIR"].startswith(fresh[cache.VARIABLE])


def test_what_runs_often_is_compiled_well(fresh):
    process.prepare(once=False)
    assert "XLA_FLAGS" not in fresh


def test_what_the_user_has_set_stays(fresh):
    fresh |= {
        "XLA_FLAGS": "--xla_backend_optimization_level=2",
        "JAX_COMPILATION_CACHE_DIR": "/elsewhere",
        "TF_CPP_MIN_LOG_LEVEL": "0",
    }
    process.prepare(once=True)
    assert fresh["XLA_FLAGS"].count("optimization_level") == 1
    assert fresh["JAX_COMPILATION_CACHE_DIR"] == "/elsewhere"
    assert fresh["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_nothing_is_kept_where_the_cache_is_off(fresh):
    fresh[cache.VARIABLE] = "off"
    process.prepare(once=True)
    assert not {"JAX_COMPILATION_CACHE_DIR", keeping.FOLDER} & fresh.keys()
