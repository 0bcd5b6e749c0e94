"""The public names: few at the top, light to import, and seen by type checkers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import motifield as mf

ROOT = Path(__file__).parent.parent
STUB = ROOT / "motifield" / "__init__.pyi"
IMPORTS = [n for n in ast.parse(STUB.read_text()).body if isinstance(n, ast.ImportFrom)]
# modules of the package itself, and three modules that are namespaces as they are
NAMESPACES = [a.name for n in IMPORTS if not n.module for a in n.names]
NAMESPACES += ["filters", "marginals", "transfer"]
# name, part of its type as mypy prints it
REVEALED = {
    "mf.Architecture": "-> motifield.theory.architecture.architecture.Architecture",
    "mf.derive": "-> motifield.theory.equations.",
    "mf.compile": "-> motifield.numerics.system.system.System",
    "mf.Parameters.of": "-> motifield.numerics.parameters.parameters.Parameters",
    "mf.fixed_points": "-> motifield.numerics.fixed_points.",
    "mf.stability": "-> motifield.numerics.stability.",
    "mf.sample": "-> motifield.numerics.networks.network.Network",
    "mf.verify": "-> motifield.numerics.verification.",
    "mf.networks.find_populations": "-> numpy.ndarray",
    "mf.inputs.pulse": "-> motifield.numerics.parameters.inputs.",
    "mf.continuation.follow": "-> motifield.numerics.continuation.branches.Branches",
}
MISSPELT = ("mf.fitt", "mf.networks.read_edgs")


def test_what_the_stub_declares_is_what_loads():
    assert {a.asname for n in IMPORTS for a in n.names} == set(mf.__all__)
    for node in IMPORTS:
        for alias in node.names:
            loaded = getattr(mf, alias.name)
            if node.module and type(loaded).__name__ != "module":
                assert loaded.__module__.startswith(f"motifield.{node.module}"), alias.name


def test_few_names_stand_at_the_top():
    assert len(set(mf.__all__) - set(NAMESPACES)) <= 37


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_namespaces_load(namespace):
    module = getattr(mf, namespace)
    assert module.__doc__
    assert [name for name in dir(module) if not name.startswith("_")]


def test_a_misspelt_name_is_an_error():
    with pytest.raises(AttributeError, match="No motifield attribute fitt"):
        mf.fitt  # noqa: B018


def test_importing_costs_nothing():
    heavy = "{'jax', 'sympy', 'numpy', 'pandas', 'xarray', 'matplotlib', 'diffrax'}"
    code = f"import motifield, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_types_of_a_users_script(tmp_path, wheel):
    """mypy reads an unpacked wheel, as it would after a plain installation."""
    script = tmp_path / "script.py"
    lines = ["import motifield as mf", *(f"reveal_type({name})" for name in REVEALED), *MISSPELT]
    script.write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", script],
        capture_output=True,
        text=True,
        env={"MYPYPATH": str(wheel), "PATH": ""},
        cwd=tmp_path,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("script.py")]
    assert len(found) == len(REVEALED) + len(MISSPELT), done.stdout + done.stderr
    for line, (name, kind) in zip(found, REVEALED.items(), strict=False):
        assert "Revealed type" in line, (name, line)
        assert kind in line, (name, line)
    for line, name in zip(found[len(REVEALED) :], MISSPELT, strict=True):
        assert "has no attribute" in line, (name, line)
