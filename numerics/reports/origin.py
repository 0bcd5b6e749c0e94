"""How a result was made: command, spec, options, versions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from ...errors import MotifieldError, SpecError
from ...working import surroundings
from .parts import Facts, Heading, Lines, Part, Section, Text

LONGEST = 200_000
"""Characters of numbers that a page shows; strengths of all neurons of a network are more."""


@dataclass(frozen=True)
class Origin:
    """What a result was made of, for the section "How this was made" of a page.

    Versions stand there in any case, and so do architecture and parameters without a spec, where
    the result knows them, as of `verify` and of fits, or they are given here.

    Args:
        command: that makes it again, as it is typed.
        spec: text of a spec, or a path of one, which is read.
        options: by name, such as seeds.
        system: equations that the result does not know; they stand there in place of a spec.
        parameters: likewise, its numbers.
    """

    command: str = ""
    spec: str | Path = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    system: Any = None
    parameters: Any = None

    def text(self) -> str:
        """The text of the spec; "" without one.

        Raises:
            SpecError: the file cannot be read.
        """
        if not isinstance(self.spec, Path):
            return self.spec
        try:
            return self.spec.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise SpecError(f"the spec {self.spec} cannot be read for a report: {error}") from None


def how_made(results: Sequence[Any], origin: Origin | None = None) -> Section:
    """The section about the origin of results.

    Args:
        results: what the page is about; their `parameters`, `system` and `seed` are used if there.
        origin: what they do not know.

    Raises:
        SpecError: the spec cannot be read.
    """
    own = origin or Origin()
    spec = own.text()
    parts: list[Part] = []
    if own.command:
        parts += [Heading("Command"), Lines(own.command)]
    if options := {**_seeds(results), **own.options}:
        parts += [Heading("Options"), Facts({k: str(v) for k, v in options.items()})]
    if spec:
        name = f"Spec, {own.spec.name}" if isinstance(own.spec, Path) else "Spec"
        parts += [Heading(name), Lines(spec.rstrip())]
    else:
        parts += _network(results, own)
    return Section("How this was made", [*parts, Heading("Versions"), Facts(versions())])


def versions() -> dict[str, str]:
    """Of Python, this package and what computes, by name; flags of XLA where there are some."""
    import jax

    known = {name: text for name, text in surroundings().items() if text}
    devices = {f"{own.platform} ({own.device_kind})" for own in jax.local_devices()}
    return known | {"Device": ", ".join(sorted(devices)), "Platform": sys.platform}


def _seeds(results: Iterable[Any]) -> dict[str, str]:
    seeds = {str(own.seed) for own in results if getattr(own, "seed", None) is not None}
    return {"seed": ", ".join(sorted(seeds))} if seeds else {}


def _network(results: Sequence[Any], origin: Origin) -> list[Part]:
    """What stands in place of a spec: the network in words, and its parameters as TOML."""
    parts: list[Part] = []
    seen: set[str] = set()
    for own in results:
        for caption, text in _described(own, origin):
            if text not in seen:
                seen.add(text)
                title = f"{caption}: {own.title}" if len(results) > 1 else caption
                parts += [Heading(title), Lines(text) if len(text) <= LONGEST else _too_long(text)]
    return parts


def system_of(result: Any) -> Any:
    """The equations of a result; None where it has none."""
    own = getattr(getattr(result, "problem", result), "system", None)  # a fit has a problem
    return own if hasattr(own, "mean_field") else None


def _described(result: Any, origin: Origin) -> Iterable[tuple[str, str]]:
    system = system_of(result) or origin.system
    parameters = getattr(result, "parameters", origin.parameters)
    if system is not None:
        field = system.mean_field
        yield "Architecture", f"{field.architecture!r}\n  closure: {field.closure.name}"
    is_found = callable(parameters)  # of a fit
    own = parameters() if is_found else parameters
    if hasattr(own, "data"):
        caption = "Fitted parameters" if is_found else "Parameters"
        try:
            yield caption, _as_toml({"parameters": own.data()})
        except MotifieldError as error:  # an input that is code has no text
            yield caption, f"{own!r}\n\n{error}"


def _as_toml(data: dict[str, Any]) -> str:
    """A line for each entry: tomli_w gives each number of a matrix one of its own."""
    lines: list[str] = []
    for line in tomli_w.dumps(data).splitlines():
        if not line.startswith((" ", "]")):  # texts have no line breaks, so this is an array's
            lines.append(line)
        elif line.lstrip().startswith("]"):
            lines[-1] = lines[-1].removesuffix(",") + line.strip()
        else:
            lines[-1] += ("" if lines[-1].endswith("[") else " ") + line.strip()
    return "\n".join(lines)


def _too_long(text: str) -> Text:
    return Text(
        f"{len(text) / 1000:.0f} kB as text, too long for this page: parameters.save writes them"
    )
