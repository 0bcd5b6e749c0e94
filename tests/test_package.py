"""What the package puts where, and what its parts may import."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import motifield

ROOT = Path(__file__).parent.parent


def test_public_names_load():
    for name in motifield.__all__:
        assert getattr(motifield, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        motifield.nonsense  # noqa: B018


def test_the_wheel_holds_motifield_alone(tmp_path):
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names} == {"motifield", f"motifield-{motifield.__version__}.dist-info"}
    for module in ("theory/equations.py", "numerics/system.py", "cli/main.py", "py.typed"):
        assert f"motifield/{module}" in names


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_theory_imports_no_numbers():
    for path in (ROOT / "theory").glob("*.py"):
        for name in imports(path):
            assert name.split(".")[0] not in ("jax", "numpy", "scipy", "diffrax", "equinox", "optimistix", "xarray"), (path.name, name)
            assert "numerics" not in name, path.name


FLOORS = [["plots", "report"], ["verify", "spec"], ["integrate", "fixed_points", "sampling", "simulation", "measure", "edges", "network"],
          ["system"], ["parameters", "feasibility", "inputs"], ["gaussian", "panels", "precision"]]  # fmt: skip


def test_nothing_in_numerics_imports_upward():
    height = {name: len(FLOORS) - k for k, names in enumerate(FLOORS) for name in names}
    modules = {p.stem for p in (ROOT / "numerics").glob("*.py")} - {"__init__"}
    assert modules == set(height)
    for name in modules:
        tree = ast.parse((ROOT / "numerics" / f"{name}.py").read_text())
        for node in tree.body:  # imports inside functions are deliberate: files, and circles that a method closes
            if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
                assert height[node.module] <= height[name], f"{name} imports {node.module}"
