"""What is released: the archives, and a fresh environment with the wheel in it."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import motifield

ROOT = Path(__file__).parent.parent
NAME = f"motifield-{motifield.__version__}"
OTHERS = ("theory", "numerics", "derivations", "tests", "benchmarks", "docs")
"""Folders of the project that must not lie beside the package."""


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """The folder of the archive of the sources and of the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("release")
    command = [sys.executable, "-m", "build", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.mark.slow
def test_the_archive_of_the_sources_holds_the_tests(archives):
    with tarfile.open(archives / f"{NAME}.tar.gz") as archive:
        held = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    missing = set(kept.stdout.split()) - held
    assert {name.split("/")[0] for name in missing} <= {".ci", ".gitignore", "MANIFEST.in"}


@pytest.mark.slow
def test_the_wheel_of_the_sources_is_the_one_of_the_project(archives, wheel):
    names = zipfile.ZipFile(archives / f"{NAME}-py3-none-any.whl").namelist()
    own = {name for name in names if not name.endswith("/RECORD")}
    there = {str(p.relative_to(wheel)) for p in wheel.rglob("*") if p.is_file()}
    assert own == {name for name in there if not name.endswith("/RECORD")}


@pytest.mark.slow
def test_the_wheel_in_a_fresh_environment(archives, tmp_path):
    """Installed as a user does it: typed, nothing beside it, and the site's first page runs."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    own = tmp_path / "env" / "bin"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    kept |= {"MPLBACKEND": "Agg"}

    def ran(*command) -> str:
        found = subprocess.run(
            command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    wheel = archives / f"{NAME}-py3-none-any.whl"
    install = ("install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel, "mypy")
    ran(own / "pip", *install)
    site = Path(ran(own / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    assert not [name for name in OTHERS if (Path(str(site).strip()) / name).exists()]
    assert ran(own / "motifield", "--version").split() == ["motifield", motifield.__version__]
    assert "integrate" in ran(own / "motifield", "--help")
    ran(own / "mypy", "--config-file", ROOT / "pyproject.toml", "-p", "motifield")
    (tmp_path / "page.py").write_text(first_page())
    ran(own / "python", "-W", "error", "page.py")


def first_page() -> str:
    """The code of the site's first page, but for what is there to fail."""
    parts = (ROOT / "docs" / "index.md").read_text().split("```python")[1:]
    parts = [part for part in parts if "raises=" not in part.partition("\n")[0]]
    assert parts
    return "\n".join(part.split("\n", 1)[1].split("```")[0] for part in parts)
