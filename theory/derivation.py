"""A derivation to read, to check and to put into a paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SpecError
from ..files import write_text
from .architecture import Architecture
from .checks import Equality, equalities
from .documents import Document, article, bibliography, fragment, html, markdown
from .equations import Closure, MeanField, Step, equations
from .narrative import LEVELS, narrate

if TYPE_CHECKING:
    from .checks import Report


class Derivation:
    """The steps from the network to its mean-field equations. Iterate over it for the rules that were applied."""

    def __init__(self, mean_field: MeanField):
        self.mean_field = mean_field

    def __iter__(self):
        return iter(self.mean_field.record)

    def __len__(self) -> int:
        return len(self.mean_field.record)

    @property
    def steps(self) -> list[Step]:
        """The rules that were applied, with what went in and what came out."""
        return list(self.mean_field.record)

    def document(self, level: str = "full", *, explicit: bool = False, title: str = "") -> Document:
        """The derivation as a document. level: "full", every step; "equations", the final equations alone. explicit: the equations also written
        out for each population (at most four). Raises `SpecError` for an unknown level.
        """
        if level not in LEVELS:
            raise SpecError(
                f"unknown level {level!r} of a derivation: known are {', '.join(LEVELS)}"
            )
        return narrate(self.mean_field, level, explicit=explicit, title=title)

    def latex(self, level: str = "full", *, explicit: bool = False) -> str:
        """A bare LaTeX fragment, to \\input into a paper."""
        return fragment(self.document(level, explicit=explicit))

    def markdown(self, level: str = "full", *, explicit: bool = False) -> str:
        """Markdown with display mathematics."""
        return markdown(self.document(level, explicit=explicit))

    def html(self, level: str = "full", *, explicit: bool = False) -> str:
        """One self-contained HTML page, mathematics as MathML."""
        return html(self.document(level, explicit=explicit))

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def write(
        self,
        path: str | Path,
        level: str = "full",
        *,
        explicit: bool = False,
        fragment: bool = False,
        title: str = "",
    ) -> None:
        """Write to .tex (an article, with a .bib beside it; or a bare fragment), .md or .html, whole or not at all. Raises `SpecError` for other
        suffixes.
        """
        path, document = Path(path), self.document(level, explicit=explicit, title=title)
        match path.suffix:
            case ".tex" if fragment:
                write_text(path, fragment(document))
            case ".tex":
                write_text(path.with_suffix(".bib"), bibliography(document))
                write_text(path, article(document, path.stem))
            case ".md":
                write_text(path, markdown(document))
            case ".html":
                write_text(path, html(document))
            case suffix:
                raise SpecError(
                    f"cannot write a derivation to {path}: the suffix is {suffix!r}, it must be .tex, .md or .html"
                )

    def equalities(self) -> list[Equality]:
        """Every displayed equality."""
        return equalities(self.mean_field)

    def check(self, *, seed: int = 0, progress: Callable[[float], None] | None = None) -> Report:
        """Test every displayed equality on random numbers, in the ways that `theory.equalities` lists. The report's `passed` says whether all
        hold; printed, it is a table.
        """
        from .checks import check

        return check(self.mean_field, seed=seed, progress=progress)


def derive(architecture: Architecture, closure: Closure | None = None) -> MeanField:
    """Derive the mean-field equations of a network with correlated synapses.

    Decomposes the synapses, collects the latent variables, evaluates the averages by Stein's lemma motif by motif, and closes the variance of
    the residual field; `.derivation` is the whole way there, to read, write and check. Source: theory after Zhang, Yu, Tao and Shao,
    arXiv:2606.27946. Raises `ArchitectureError` for an architecture to which the closure does not apply.
    """
    made = equations(architecture, closure)
    return replace(made, derivation=Derivation(made))
