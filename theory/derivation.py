"""The record of a derivation: `Derivation.apply` runs a rule and writes down what went in and what came out, so that the record is what the
program did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files import write_text
from .latex import latex

_HEAD = "\\documentclass{article}\n\\usepackage{amsmath,amssymb}\n\\usepackage[margin=25mm]{geometry}\n\\begin{document}\n"


@dataclass(frozen=True)
class Step:
    """One step: what was done, why it holds, and the expression before and after."""

    title: str
    reason: str
    before: Any
    after: Any
    rule: str


@dataclass
class Derivation:
    """The numbered steps of a derivation, in the order in which they were applied."""

    steps: list[Step] = field(default_factory=list)

    def apply(self, title: str, rule: Callable[..., Any], before: Any, *context: Any) -> Any:
        """Apply a rule and record the step; its reason is the first paragraph of the rule's docstring."""
        after = rule(before, *context)
        reason = " ".join((rule.__doc__ or "").split("\n\n")[0].split())
        self.steps.append(Step(title, reason, before, after, rule.__name__))
        return after

    def __iter__(self):
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def latex(self) -> str:
        """The numbered steps as a LaTeX fragment: paragraphs with the displayed expression before and after."""
        parts = []
        for number, step in enumerate(self, start=1):
            display = " \\\\\n".join("& " + line for line in _lines(step))
            head = f"\\paragraph{{{number}. {_prose(step.title)}.}} {_prose(step.reason)}"
            parts.append(f"{head}\n\\begin{{align*}}\n{display}\n\\end{{align*}}")
        return "\n\n".join(parts)

    def markdown(self) -> str:
        """The numbered steps as Markdown with display mathematics."""
        parts = []
        for number, step in enumerate(self, start=1):
            body = " \\\\ ".join("& " + line for line in _lines(step))
            parts.append(f"**{number}. {step.title}.** {step.reason}\n\n$$\\begin{{aligned}} {body} \\end{{aligned}}$$")
        return "\n\n".join(parts)

    _repr_markdown_ = markdown

    def write(self, path: str | Path) -> None:
        """Write the steps as a LaTeX article that compiles on its own, whole or not at all."""
        write_text(path, f"{_HEAD}\\section*{{Derivation}}\n\n{self.latex()}\n\n\\end{{document}}\n")


def _lines(step: Step) -> list[str]:
    after = step.after.values() if isinstance(step.after, dict) else [step.after]
    return [latex(step.before), *(rf"\quad \to \quad {latex(value)}" for value in after)]


def _prose(text: str) -> str:
    for plain, tex in (("\\", r"\textbackslash{}"), ("_", r"\_"), ("^", r"\^{}"), ("<", r"$<$"), (">", r"$>$"), ("&", r"\&")):
        text = text.replace(plain, tex)
    return text
