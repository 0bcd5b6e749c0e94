"""A derivation to read, to check and to put into a paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SpecError
from ..files import write_text, write_texts
from . import documents
from .architecture import Architecture
from .checks import Equality, equalities
from .documents import Document
from .equations import Closure, MeanField, Step, equations
from .narrative import LEVELS, narrate

if TYPE_CHECKING:
    from .checks import Report


NARROWEST = 15.0  # em


class Derivation:
    """The steps from the network to its mean-field equations.

    It is `mean_field.derivation`. Iterating over it yields the rules that were applied, in order;
    in a notebook it shows the whole text.
    """

    def __init__(self, mean_field: MeanField):
        self.mean_field = mean_field

    def __iter__(self) -> Iterator[Step]:
        return iter(self.mean_field.record)

    def __len__(self) -> int:
        return len(self.mean_field.record)

    def __repr__(self) -> str:
        counts = dict.fromkeys((s.section for s in self), 0)
        for step in self:
            counts[step.section] += 1
        lines = [f"  {section}: {n}" for section, n in counts.items()]
        title = f"Derivation under {type(self.mean_field.closure).__name__}, {len(self)} steps"
        return "\n".join([title, *lines])

    @property
    def steps(self) -> list[Step]:
        """The rules that were applied, with what went in and what came out."""
        return list(self.mean_field.record)

    def document(self, level: str = "full", *, explicit: bool = False, title: str = "") -> Document:
        """The derivation as a document of sections, which the methods below print.

        Args:
            level: "full", every step; "equations", the final equations alone.
            explicit: Whether the equations are also written out for each population.
            title: Of the document; by default it names the populations.

        Raises:
            SpecError: The level is unknown.
            ArchitectureError: More than four populations are to be written out.
        """
        if level not in LEVELS:
            raise SpecError(
                f"unknown level {level!r} of a derivation: known are {', '.join(LEVELS)}"
            )
        return narrate(self.mean_field, level, explicit=explicit, title=title)

    def latex(
        self, level: str = "full", *, explicit: bool = False, page: float = documents.PAGE
    ) -> str:
        """A bare LaTeX fragment, to \\input into a paper; arguments as for `document`.

        Args:
            level: "full" or "equations".
            explicit: Whether the equations are also written out for each population.
            page: The width of the text in the paper, in em: 24.6 for a column of 246 pt at 10 pt.

        Raises:
            SpecError: The level is unknown, or the width below 15 em, too narrow for equations.
        """
        return documents.fragment(self.document(level, explicit=explicit), page=_width(page))

    def markdown(self, level: str = "full", *, explicit: bool = False) -> str:
        """Markdown with display mathematics; arguments as for `document`."""
        return documents.markdown(self.document(level, explicit=explicit))

    def html(self, level: str = "full", *, explicit: bool = False) -> str:
        """One self-contained HTML page, mathematics as MathML; arguments as for `document`."""
        return documents.html(self.document(level, explicit=explicit))

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def save(
        self,
        path: str | Path,
        level: str = "full",
        *,
        explicit: bool = False,
        fragment: bool = False,
        page: float = documents.PAGE,
        title: str = "",
    ) -> None:
        """Write the derivation to a file, whole or not at all.

        Args:
            path: .tex, an article with a .bib beside it; .md; or .html, a self-contained page.
            level: "full", every step; "equations", the final equations alone.
            explicit: Whether the equations are also written out for each population (at most four).
            fragment: Of .tex, whether to leave out preamble and bibliography, for \\input.
            page: Of a fragment, the width of the text in the paper, in em.
            title: Of the document; by default it names the populations.

        Raises:
            SpecError: The suffix or the level is unknown, or the width below 15 em.
            ArchitectureError: More than four populations are to be written out.
        """
        path, document = Path(path), self.document(level, explicit=explicit, title=title)
        match path.suffix:
            case ".tex" if fragment:
                write_text(path, documents.fragment(document, page=_width(page)))
            case ".tex":
                bibliography = documents.bibliography(document)
                article = documents.article(document, path.stem)
                write_texts({path: article, path.with_suffix(".bib"): bibliography})
            case ".md":
                write_text(path, documents.markdown(document))
            case ".html":
                write_text(path, documents.html(document))
            case suffix:
                raise SpecError(
                    f"cannot write a derivation to {path}: the suffix is {suffix!r}, "
                    "it must be .tex, .md or .html"
                )

    def equalities(self) -> list[Equality]:
        """Every displayed equality."""
        return equalities(self.mean_field)

    def check(self, *, seed: int = 0, progress: Callable[[float], None] | None = None) -> Report:
        """Test every displayed equality on random numbers.

        Exact equalities must hold to 1e-9, averages over sampled neurons to six standard errors,
        and an approximation in the limit for which it is stated.

        Args:
            seed: Of all random numbers.
            progress: Called with the part that is done, in [0, 1].

        Returns:
            The report: `passed` says whether all equalities hold; printed, it is a table.
        """
        from .checks import check

        return check(self.mean_field, seed=seed, progress=progress)


def _width(page: float) -> float:
    if not page >= NARROWEST:
        raise SpecError(
            f"a page of {page:g} em is too narrow for equations: give at least {NARROWEST:g} em"
        )
    return page


def derive(architecture: Architecture, closure: Closure | None = None) -> MeanField:
    """Derive the mean-field equations of a network with correlated synapses.

    The synapses are decomposed into mean, rows, columns and residual; the latent variables are
    collected; the averages are evaluated by Stein's lemma, motif by motif; and the variance of the
    residual field is closed.

    Args:
        architecture: Populations, transfer functions, filters, motifs and inputs.
        closure: What stands for the second moment of the rates in the residual's variance; default
            `LowRank()`.

    Returns:
        The equations. `.derivation` is the whole way there, to read, save and check.

    Raises:
        ArchitectureError: The closure does not apply to the architecture.

    Source: after Zhang, Yu, Tao and Shao, arXiv:2606.27946; docs/theory.md, sections 1 and 2.
    """
    made = equations(architecture, closure)
    return replace(made, derivation=Derivation(made))
