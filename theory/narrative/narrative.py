"""A derivation in words and formulas, made from the same objects as the equations.

It speaks of what is present in the architecture, and of nothing else.
"""

from __future__ import annotations

from ..documents import Document, Section
from ..equations import MeanField
from . import references, results, strengths
from .model import decomposition, network, statistics
from .steps import Steps
from .symbols import symbol_table
from .words import listed, spoken

LEVELS = ("full", "equations")


def narrate(
    mean_field: MeanField, level: str, *, explicit: bool = False, title: str = ""
) -> Document:
    """The document of a derivation.

    Args:
        mean_field: The equations, with the record of their derivation.
        level: "full", every step; "equations", the final equations alone.
        explicit: Whether the equations are also written out for each population (at most four).
        title: Of the document; by default it names the populations.

    Returns:
        Sections of prose and numbered formulas, for LaTeX, HTML and Markdown.

    Raises:
        ArchitectureError: More than four populations are to be written out.
    """
    final = [results.equations(mean_field), results.averages(mean_field)]
    if explicit:
        final.append(results.written_out(mean_field))
    last = Section("Symbols", (symbol_table(mean_field),))
    sections = _full(mean_field, final, last) if level == "full" else [*final, last]
    names = mean_field.architecture.populations
    who = f" of populations {listed(map(spoken, names))}" if names else ""
    heading = title or f"Mean-field equations of a random recurrent network{who}"
    there = tuple(s for s in sections if s.blocks)
    cited = (*references.EVERY, *references.LOW_RANK * bool(mean_field.architecture.patterns))
    return Document(heading, _abstract(mean_field), there, cited)


def _full(mean_field: MeanField, final: list[Section], last: Section) -> list[Section]:
    return [
        network(mean_field),
        statistics(mean_field),
        decomposition(mean_field),
        strengths.components(mean_field),
        *Steps(mean_field).sections(),
        *final,
        *([] if mean_field.is_static else [results.linearisation(mean_field)]),
        results.observables(mean_field),
        last,
    ]


def _abstract(mean_field: MeanField) -> str:
    # the order of the steps that give the statistics
    steps = [str(s.before.args[0]) for s in mean_field.record if s.section == "Statistics"]
    names = [name for name in steps if name in mean_field.architecture.motifs]
    correlated = (
        f"whose synapses are correlated in pairs ({', '.join(names)} motifs)"
        if names
        else "with independent synapses"
    )
    architecture = mean_field.architecture
    also = ["whose neurons' strengths have any distribution"] * architecture.strengths.has_centres
    also += ["whose synapses know features of both their neurons"] * bool(architecture.features)
    more = f", {listed(also)}," if also else ""
    return (
        f"The dynamics of a large random network {correlated}{more} are reduced to equations for "
        f"{len(mean_field.equations)} kinds of latent variables, under the closure "
        f"{type(mean_field.closure).__name__}. Every displayed equality has been generated "
        "together with a numerical test of itself."
    )
