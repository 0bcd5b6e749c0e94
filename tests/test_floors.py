"""The house: which room may import which, through its face, downward, without a circle."""

import ast
import functools
import graphlib
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A room (a sub-package) and the rooms of its own part that it imports. Errors, results and the
# other flat modules of `FLAT` may be imported by every room and import no room.
ROOMS = {
    "numerics": {
        "averages": "",
        "tables": "",
        "targets": "tables",
        "parameters": "",
        "networks": "parameters tables",
        "system": "averages parameters",
        "sampling": "averages networks parameters",
        "fixed_points": "parameters system",
        "distributions": "averages parameters system",
        "simulation": "networks parameters system",
        "stability": "distributions fixed_points parameters simulation system",
        "continuation": "fixed_points parameters stability sweeps system",
        "dmft": "distributions parameters system",
        "verification": "distributions dmft fixed_points networks parameters sampling simulation"
        " system",
        "sweeps": "fixed_points parameters system",
        "fitting": "distributions fixed_points parameters stability system targets",
        "inference": "fitting fixed_points parameters sampling simulation targets",
        "spec": "fitting networks parameters targets",
        "plots": "continuation dmft fitting fixed_points inference stability sweeps verification",
        "reports": "fitting inference plots verification",
    },
    "theory": {
        "expressions": "",
        "notation": "",
        "documents": "",
        "averages": "expressions",
        "architecture": "averages expressions",
        "equations": "architecture averages notation",
        "checks": "equations notation",
        "narrative": "documents equations notation",
        "code": "architecture averages equations notation",
    },
}
FLAT = {
    "numerics": {"archives", "linear", "machine", "precision", "results", "tangents"},
    "theory": {"derivation"},  # the top floor of theory: ties the rooms together
}
# What rooms of numerics take from theory.
FROM_THEORY = {
    "spec": "architecture equations",
    "system": "architecture code equations",
}
# Rooms that another one names, and loads when a user asks for what they do.
LATE = {"sweeps": "dmft fitting fixed_points stability verification"}
MOST_ARROWS = 90


def place(path: Path) -> tuple[str, ...]:
    """numerics/averages/panels.py -> ("numerics", "averages", "panels")."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported(path: Path):
    """Every module of the project that a file imports, wherever the import stands in it."""
    here = place(path)
    package = list(here if path.name == "__init__.py" else here[:-1])
    if package[:1] == ["motifield"]:
        package = package[1:]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
            found = [n.split(".")[1:] for n in names if n.startswith("motifield.")]
        elif isinstance(node, ast.ImportFrom) and (node.level or "motifield" in node.module):
            top = package[: len(package) - node.level + 1] if node.level else []
            module = (node.module or "").split(".") if node.module else []
            base = top + (module if node.level else module[1:])
            by_name = len(base) < 2 or not module
            found = [[*base, a.name] for a in node.names] if by_name else [base]
        else:
            continue
        yield from (f for f in found if f and f[0] in ROOMS)


@functools.cache
def arrows():
    """(part, room) -> {(part, room)}, flat modules left out."""
    graph = {(part, room): set() for part in ROOMS for room in ROOMS[part]}
    for part in ROOMS:
        for path in (ROOT / part).rglob("*.py"):
            here = place(path)
            if len(here) < 2 or here[1] in FLAT[part]:
                continue
            below = {(m[0], m[1]) for m in imported(path) if len(m) > 1 and m[1] not in FLAT[m[0]]}
            graph[here[:2]] |= below - {here[:2]}
    return graph


def allowed(part: str, room: str) -> set[tuple[str, str]]:
    found = {(part, below) for below in ROOMS[part][room].split()}
    if part == "numerics":
        found |= {("theory", below) for below in FROM_THEORY.get(room, "").split()}
    return found


every_room = pytest.mark.parametrize(
    ("part", "room"), [(part, room) for part in ROOMS for room in ROOMS[part]], ids=str
)


@pytest.mark.parametrize("part", ROOMS)
def test_every_room_is_in_the_table_and_few_files_stand_outside(part):
    folders = {p.parent.name for p in (ROOT / part).glob("*/__init__.py")}
    assert folders == set(ROOMS[part])
    assert {p.stem for p in (ROOT / part).glob("*.py")} == FLAT[part] | {"__init__"}
    assert len(FLAT[part]) <= 6


@every_room
def test_arrows_are_those_of_the_table(part, room):
    assert arrows()[part, room] == allowed(part, room)


def test_there_is_no_circle_and_few_arrows():
    graph = arrows()
    graphlib.TopologicalSorter(graph).prepare()  # raises on a circle
    assert sum(map(len, graph.values())) <= MOST_ARROWS


def late_arrows():
    """(room, room, name) of what is loaded late, wherever it stands in numerics."""
    for path in (ROOT / "numerics").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Elsewhere":
                room, name = map(ast.literal_eval, node.args)
                yield place(path)[1], room, name


def test_what_loads_late_stands_in_the_table_and_makes_no_circle():
    found, graph = {}, arrows()
    for room, other, name in late_arrows():
        found.setdefault(room, set()).add(other)
        face = importlib.import_module(f"motifield.numerics.{other}")
        assert callable(getattr(face, name)), (room, other, name)
    assert found == {room: set(others.split()) for room, others in LATE.items()}
    late = {("numerics", room): {("numerics", r) for r in others} for room, others in found.items()}
    both = {room: below | late.get(room, set()) for room, below in graph.items()}
    graphlib.TopologicalSorter(both).prepare()  # raises on a circle


@pytest.mark.parametrize("part", ROOMS)
def test_flat_modules_import_no_room(part):
    for name in FLAT[part] - {"derivation"}:
        for module in imported(ROOT / part / f"{name}.py"):
            assert len(module) < 2 or module[1] in FLAT[part], (name, module)


def test_outsiders_come_in_by_the_face():
    """Other rooms, the public names, the command line, worked architectures, benchmarks."""
    for top in ("numerics", "theory", "motifield", "derivations", "benchmarks"):
        for path in (ROOT / top).rglob("*.py"):
            here = place(path)[:2]
            for module in imported(path):
                inside = module[1:2] and module[1] in ROOMS[module[0]] and len(module) > 2
                assert not inside or tuple(module[:2]) == here, (path, ".".join(module))


@pytest.mark.parametrize("part", ROOMS)
def test_faces_state_their_names_and_hide_no_file(part):
    for face in (ROOT / part).glob("*/__init__.py"):
        stub = face.with_suffix(".pyi")  # of a face whose names load when they are first used
        tree = ast.parse((stub if stub.exists() else face).read_text())
        nodes = [n for n in tree.body if isinstance(n, ast.ImportFrom)]
        taken = [(n.module, a.asname or a.name) for n in nodes for a in n.names]
        stated = [name for _, name in taken]
        if not stub.exists():
            stated = next(
                ast.literal_eval(n.value)
                for n in tree.body
                if isinstance(n, ast.Assign) and n.targets[0].id == "__all__"
            )
        assert sorted(name for _, name in taken) == sorted(stated), face
        files = {p.stem for p in face.parent.glob("*.py")}
        # the import of a function would hide the file; a submodule on the face is the file itself
        assert not {name for module, name in taken if module} & files, face
        assert not [name for name in stated if name.startswith("_")], face


@every_room
def test_files_of_a_room_import_each_other_without_a_circle(part, room):
    files = [p for p in (ROOT / part / room).rglob("*.py") if p.name != "__init__.py"]
    graph = {place(p): {tuple(module) for module in imported(p)} for p in files}
    inside = {here: below & set(graph) for here, below in graph.items()}
    graphlib.TopologicalSorter(inside).prepare()  # raises on a circle
