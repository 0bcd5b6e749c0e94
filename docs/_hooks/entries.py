"""The page of all entries of a spec, from its JSON Schema."""

import json
from typing import Any

from words import code, prose, table

from motifield.specs import spec_schema

SECTIONS = {
    "ArchitectureSpec": "[architecture]",
    "ParametersSpec": "[parameters]",
    "MotifsSpec": "[parameters.motifs]",
    "StrengthsSpec": "[parameters.strengths]",
    "ConnectomeSpec": "[connectome]",
    "IntegrateSpec": "[integrate]",
    "FitSpec": "[fit]",
    "UnknownSpec": "[[fit.unknown]]",
    "PriorSpec": "A prior, in [fit.priors] or of an unknown",
}


def entries_page() -> str:
    """Every entry: its types, its default, and what it means."""
    schema = spec_schema()
    assert set(schema["$defs"]) == set(SECTIONS), "a section of specs has no place on this page"
    text = (
        "# All entries of a spec\n\nWritten from the schema by which specs are read, "
        "`motifield schema`. An entry that is not here is an error.\n\n## At the top\n\n"
    )
    text += _entries(schema)
    for name, title in SECTIONS.items():
        section = schema["$defs"][name]
        about = section["description"].partition(": ")[2]
        text += f"## {prose(title)}\n\n{prose(about[:1].upper() + about[1:])}\n\n"
        text += _entries(section)
    return text


def _entries(section: dict[str, Any]) -> str:
    required = section.get("required", [])
    rows = []
    for name, entry in section["properties"].items():
        own = entry.get("default")
        # of a table, its own section tells the defaults
        default = "" if own in (None, "", []) or isinstance(own, dict) else json.dumps(own)
        default = "required" if name in required else code(default) if default else ""
        rows.append([code(name), _kind(entry), default, prose(entry["description"])])
    return table(["entry", "type", "default", "meaning"], rows)


def _kind(entry: dict[str, Any]) -> str:
    if "enum" in entry:
        return ", ".join(code(json.dumps(value)) for value in entry["enum"] if value is not None)
    if "$ref" in entry:
        return "table"
    if "anyOf" in entry:
        kinds = [_kind(part) for part in entry["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    kind = {"integer": "number", "object": "table", "boolean": "true or false", "string": "text"}
    own = kind.get(entry.get("type", ""), entry.get("type", "any"))
    if own == "array" and "prefixItems" in entry:
        return "two numbers"
    return f"list of {_kind(entry['items'])}" if own == "array" else own
