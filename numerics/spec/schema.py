"""The JSON Schema of a spec, from the models that read one: for editors, and for its page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, TypeAdapter

from ..networks import CHOICES, ReadOptions
from ..parameters import TENSORS, tables_in
from .connectome import OPTIONS, ConnectomeSpec
from .spec import FileSpec

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ARGUMENT = re.compile(r"^ {4}(\w[\w, ]*): (.*(?:\n {5,}.*)*)", re.M)


def spec_schema() -> dict[str, Any]:
    """What may stand in a spec, as JSON Schema (draft 2020-12).

    Editors complete and check a spec by it. It knows names and types. What depends on other
    entries, as shapes of matrices and whether statistics are feasible, `load_spec` says.

    Returns:
        The schema, as plain data.
    """
    schema = FileSpec.model_json_schema()
    tables: dict[str, Any] = schema["$defs"]
    for model in _models(FileSpec):
        _describe(schema if model is FileSpec else tables[model.__name__], model)
    _name_bounds(schema)
    _add_choices(tables["ArchitectureSpec"]["properties"])
    _add_reading(tables[ConnectomeSpec.__name__]["properties"])
    return {"$schema": DRAFT, "title": "motifield spec"} | {
        name: value for name, value in schema.items() if name != "title"
    }


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and those of the tables inside it."""
    seen: dict[str, type[BaseModel]] = {}

    def visit(own: type[BaseModel]) -> None:
        if own.__name__ in seen:
            return
        seen[own.__name__] = own
        for field in own.model_fields.values():
            for inner in tables_in(field.annotation):
                visit(inner)

    visit(model)
    yield from seen.values()


def _describe(table: dict[str, Any], model: type[BaseModel]) -> None:
    """Descriptions of a table and of its entries, from the docstring of its model."""
    text = inspect.cleandoc(model.__doc__ or "")
    told = arguments_of(text)
    table["description"] = text.partition("\n\n")[0]
    for name, entry in table["properties"].items():
        entry.pop("title", None)
        if name.replace("-", "_") in told:
            entry["description"] = told[name.replace("-", "_")]


def arguments_of(docstring: str) -> dict[str, str]:
    """What a docstring says of each argument, by name."""
    _, _, rest = inspect.cleandoc(docstring).partition("\nArgs:\n")
    rest = re.split(r"^\S", rest, maxsplit=1, flags=re.M)[0]
    found: dict[str, str] = {}
    for names, text in ARGUMENT.findall(rest):
        found |= {name.strip(): " ".join(text.split()) for name in names.split(",")}
    return found


BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def _name_bounds(part: Any) -> None:
    """JSON Schema's names of bounds: of a union pydantic writes its own."""
    if isinstance(part, dict):
        for own, name in BOUNDS.items():
            if own in part:
                part[name] = part.pop(own)
    for inner in part.values() if isinstance(part, dict) else part:
        if isinstance(inner, dict | list):
            _name_bounds(inner)


def _add_choices(entries: dict[str, Any]) -> None:
    """The known words of [architecture], which are checked when the equations are made."""
    from ...theory.architecture import INPUTS
    from ...theory.equations import CLOSURES

    entries["closure"]["enum"] = list(CLOSURES)
    entries["motifs"]["items"]["enum"] = list(TENSORS)
    entries["inputs"]["items"]["enum"] = list(INPUTS)


def _add_reading(entries: dict[str, Any]) -> None:
    """The options of reading, which stand among the entries of [connectome]."""
    entries.pop("options")
    told = arguments_of(ReadOptions.__doc__ or "")
    read = TypeAdapter(ReadOptions).json_schema()["properties"]
    for name in OPTIONS:
        entry = {k: v for k, v in read[name].items() if k != "title"}
        if name in CHOICES:
            entry = {"enum": list(CHOICES[name]), "default": entry["default"]}
        entries[name] = entry | {"description": told[name]}
