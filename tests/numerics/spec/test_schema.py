"""The JSON Schema of a spec says what the reader of specs says, of names and types."""

import ast
import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from motifield.cli.main import app
from motifield.errors import SpecError
from motifield.numerics.parameters import validate
from motifield.numerics.spec import arguments_of, spec_schema
from motifield.numerics.spec.spec import FileSpec

ROOT = Path(__file__).parents[3]
SCHEMA = spec_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def is_read(data):
    try:
        validate(FileSpec, data, "spec.toml")
    except SpecError:
        return False
    return True


def specs_of(folder, suffix):
    """Specs in texts of a folder: files of this suffix, or strings in Python."""
    for path in sorted((ROOT / folder).rglob(f"*{suffix}")):
        texts = [path.read_text()]
        if suffix == ".py":
            nodes = ast.walk(ast.parse(texts[0]))
            texts = [n.value for n in nodes if isinstance(n, ast.Constant)]
        for text in texts:
            if not isinstance(text, str) or "[architecture]" not in text:
                continue
            try:
                yield path.name, tomllib.loads(text)
            except tomllib.TOMLDecodeError:
                continue  # a text with places for numbers


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_worked_specs_are_accepted():
    specs = dict(enumerate(specs_of("derivations", ".toml")))
    assert len(specs) > 15
    for name, data in specs.values():
        assert list(VALIDATOR.iter_errors(data)) == [], name


def test_it_accepts_what_is_read_among_the_specs_of_tests():
    specs = list(specs_of("tests", ".py"))
    accepted = [VALIDATOR.is_valid(data) for _, data in specs]
    read = [is_read(data) for _, data in specs]
    assert sum(read) > 5
    assert [n for (n, _), a, r in zip(specs, accepted, read, strict=True) if r and not a] == []


SOUND = {
    "title": "E",
    "architecture": {"populations": ["E"], "closure": "second-moment"},
    "parameters": {"N": 100, "fractions": [1], "mean": 0.1, "g": 0.2, "motifs": {"shared": 0.1}},
    "fit": {"unknown": [{"name": "g", "prior": {"log-normal": [1, 2]}}], "targets": "t.csv"},
    "integrate": {"solver": "implicit"},
}


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("architecture",),
        ("parameters",),
        ("parameters", "motifs"),
        ("fit",),
        ("fit", "unknown", 0),
        ("fit", "unknown", 0, "prior"),
        ("integrate",),
        ("connectome",),
    ],
)
def test_an_unknown_entry_is_refused(place):
    data = json.loads(json.dumps(SOUND))
    if place == ("connectome",):
        del data["parameters"]
        data["connectome"] = {"edges": "e.csv", "weight": "count", "duplicates": "sum"}
    assert VALIDATOR.is_valid(data)
    assert is_read(data)
    table = data
    for part in place:
        table = table[part]
    table["nonsense"] = 1
    assert not VALIDATOR.is_valid(data)


@pytest.mark.parametrize(
    ("section", "entry", "value"),
    [
        ("architecture", "closure", "secnd-moment"),
        ("architecture", "motifs", ["circular"]),
        ("architecture", "inputs", ["noisy"]),
        ("parameters", "N", "many"),
        ("integrate", "solver", "fast"),
        ("integrate", "rtol", 0),
    ],
)
def test_wrong_words_and_types_are_refused(section, entry, value):
    assert not VALIDATOR.is_valid(SOUND | {section: {**SOUND[section], entry: value}})


def test_every_entry_is_described():
    """Editors show the description; a new entry needs one where its model is documented."""
    for table in (SCHEMA, *SCHEMA["$defs"].values()):
        assert table["description"]
        assert [n for n, own in table["properties"].items() if not own.get("description")] == []


def test_arguments_of_a_docstring():
    text = """Sum.

    Args:
        a, b: two numbers,
            of one kind.
        c: a third.

    Returns:
        d: their sum.
    """
    assert arguments_of(text) == {
        "a": "two numbers, of one kind.",
        "b": "two numbers, of one kind.",
        "c": "a third.",
    }


def test_the_command_writes_it(tmp_path):
    path = tmp_path / "s.json"
    done = CliRunner().invoke(app, ["schema", "-o", str(path)])
    assert (done.exit_code, done.output) == (0, "")
    assert json.loads(path.read_text()) == SCHEMA
    assert json.loads(CliRunner().invoke(app, ["schema"]).output) == SCHEMA
