"""What the package puts where, and what its parts may import."""

import ast
import tomllib
from pathlib import Path

import pytest

import motifield

ROOT = Path(__file__).parent.parent


def test_the_wheel_holds_motifield_alone(wheel):
    assert {p.name for p in wheel.iterdir()} == {
        "motifield",
        f"motifield-{motifield.__version__}.dist-info",
    }
    modules = ("theory/equations/derive.py", "numerics/system/system.py", "cli/main.py")
    stubs = ("__init__.pyi", "numerics/system/__init__.pyi", "theory/code/__init__.pyi")
    for module in (*modules, "py.typed", *stubs):
        assert (wheel / "motifield" / module).is_file()
    for name in ("page.html", "parts.html", "look.css", "zoom.js"):
        assert (wheel / "motifield/numerics/reports/templates" / name).is_file()


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_theory_imports_no_numbers():
    numbers = {"jax", "numpy", "scipy", "diffrax", "equinox", "optimistix", "xarray"}
    for path in (ROOT / "theory").rglob("*.py"):
        # tests of a derivation are numbers; they load when they are asked for
        is_numeric = path.parent.name == "checks" or path.stem == "to_julia"
        allowed = {"numpy"} if is_numeric else set()
        # what exported modules carry with them
        allowed |= {"numpy", "scipy"} if path.stem in ("numpy_helpers", "julia_helpers") else set()
        for name in imports(path):
            assert name.split(".")[0] not in numbers - allowed, (path.name, name)
            assert "numerics" not in name, path.name


@pytest.mark.parametrize("part", ["theory", "numerics"])
def test_every_sub_package_is_listed(part):
    """A room that pyproject.toml forgets is not in the wheel."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    rooms = {f"motifield.{part}.{p.parent.name}" for p in (ROOT / part).glob("*/__init__.py")}
    assert {name for name in listed if name.startswith(f"motifield.{part}.")} == rooms
