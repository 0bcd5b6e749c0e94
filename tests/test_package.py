"""What the package puts where, and what its parts may import."""

import ast
import graphlib
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
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--wheel-dir",
            tmp_path,
            ROOT,
        ],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names} == {
        "motifield",
        f"motifield-{motifield.__version__}.dist-info",
    }
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
    numbers = {"jax", "numpy", "scipy", "diffrax", "equinox", "optimistix", "xarray"}
    for path in (ROOT / "theory").glob("*.py"):
        # tests of a derivation are numbers; they load when they are asked for
        allowed = (
            {"numpy"} if path.stem in ("checks", "evaluate", "world", "export_julia") else set()
        )
        # what exported modules carry with them
        allowed |= {"numpy", "scipy"} if path.stem in ("numpy_helpers", "julia_helpers") else set()
        for name in imports(path):
            assert name.split(".")[0] not in numbers - allowed, (path.name, name)
            assert "numerics" not in name, path.name


# From the top down; a module imports from its own floor or below, wherever in the file the import stands.
FLOORS = {
    "numerics": [
        ["report", "fit_report", "ablation_plots"],
        ["ablation"],
        ["dmft_plots"],
        ["dmft_stationary", "dmft_networks"],
        ["dmft", "lyapunov"],
        ["dmft_terms"],
        [
            "plots",
            "response_plots",
            "bifurcation_plots",
            "spectrum_plots",
            "fixed_point_plots",
            "fit_plots",
            "connectivity_plots",
            "comparison_plots",
            "page",
        ],
        ["identifiability", "fitted_spec", "fit_check", "model_comparison", "profile", "posterior"],
        ["phase_diagram", "fit"],
        ["curves", "cycles"],
        ["continuation"],
        [
            "verify",
            "free_states",
            "fit_networks",
            "finite_size",
            "verdict",
            "spec",
            "fit_spec",
            "averages",
            "exports",
            "response",
            "cavity",
            "fixed_points_batch",
            "stability",
            "spectrum",
        ],
        ["fit_problem"],
        ["target_errors", "growth"],
        [
            "special_points",
            "branches",
            "rate_statistics",
            "integrate",
            "fixed_points",
            "matrix_free",
            "sampling",
            "dense_sampling",
            "sparse_sampling",
            "simulation",
            "measure",
            "standard_errors",
            "edges",
            "readers",
            "find_populations",
            "matrix_files",
            "network",
            "network_files",
        ],
        ["newton_starts", "search_region", "hermite", "settle"],
        ["neurons", "along", "autonomous", "bulk", "outliers", "order_parameters", "fixed_nodes"],
        ["system"],
        ["units"],
        ["scales"],
        ["unknowns"],
        ["motif_coordinates"],
        [
            "vary",
            "couplings",
            "field",
            "sparse_tiles",
            "copula",
            "targets",
            "target_files",
            "target_neurons",
            "target_table",
            "priors",
            "synapse_tables",
        ],
        ["parameters"],
        ["feasibility", "parameter_file"],
        ["inputs", "motifs", "marginals", "least_squares", "pools"],
        ["gaussian", "linear", "feedback"],
        ["quadrature"],
        ["expectation"],
        ["rules", "bivariate", "normal", "siegert"],
        [
            "panels",
            "precision",
            "elementwise",
            "arclength",
            "combinations",
            "tangents",
            "information",
        ],
    ],
    "theory": [
        ["derivation"],
        ["checks"],
        ["narrative", "evaluate"],
        ["symbols", "references", "world"],
        ["equalities"],
        ["linearise"],
        ["export_numpy", "export_julia", "export_xpp"],
        ["scalar_code"],
        ["codegen"],
        ["filtercode"],
        ["numpy_helpers", "julia_helpers"],
        ["equations"],
        ["explicit"],
        ["rules"],
        ["record"],
        ["latex"],
        ["terms"],
        ["einsum"],
        ["jax_printer"],
        ["closures", "statistics", "architecture"],
        ["notation", "transfer", "filters"],
        ["gaussian"],
        ["closed_forms"],
        ["selfcheck"],
        ["pieces", "affine"],
        ["roots", "probabilities", "siegert"],
        ["expressions"],
        ["render_html", "render_latex", "render_markdown"],
        ["document", "width"],
    ],
}


@pytest.mark.parametrize("part", FLOORS)
def test_nothing_imports_upward_and_there_is_no_circle(part):
    height = {name: k for k, names in enumerate(reversed(FLOORS[part])) for name in names}
    modules = {p.stem for p in (ROOT / part).glob("*.py")} - {"__init__"}
    assert modules == set(height)
    graph = {name: set() for name in modules}
    for name in modules:
        for node in ast.walk(ast.parse((ROOT / part / f"{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                graph[name] |= (
                    {node.module} if node.module else {alias.name for alias in node.names}
                )
        for below in graph[name]:
            assert height[below] <= height[name], f"{part}/{name}.py imports {below}"
    graphlib.TopologicalSorter(graph).prepare()  # raises on a circle
