"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .paths import DATA_SUFFIXES, Writes

READING = "How a network is read"
"""The part of the help that has its options."""


def option(*names: str, help: str, **settings: Any) -> Any:
    """An option whose default needs no mention, or is explained in the help text."""
    return typer.Option(*names, help=help, show_default=False, **settings)


def output_option(help: str) -> Any:
    """Where a command writes what it found, under the name that this has in every command."""
    return option("--output", "-o", help=help)


SpecFile = Annotated[
    Path,
    typer.Argument(
        metavar="SPEC", help="TOML or JSON description of the network.", show_default=False
    ),
]
ClosureName = Annotated[
    str | None,
    option(
        "--closure",
        help="motif-only, low-rank (of the residual, the row sums; no low-rank connectivity), "
        "second-moment, or cavity (for fixed points only); default: the spec's.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON for other programs instead of a table.")
]
Settings = Annotated[
    list[str] | None,
    option(
        "--set",
        metavar="NAME=VALUE",
        help="Change a parameter, as 'tau_chn[E,E,I]=.02', 'input=.5' or 'factor(tau_chn)=0'; "
        "repeat for several.",
    ),
]
Start = Annotated[
    str | None,
    option(
        "--start",
        help="Use the fixed point reached from this mean input: a number, or one per population "
        "separated by commas.",
    ),
]
Vary = Annotated[
    list[str],
    option(
        "--vary",
        metavar="NAME=LO,HI",
        help="A parameter and its range, as 'input=-.6,.6', 'factor(motifs)=0,4' or "
        "'mean[*,I]=-.01,0'.",
    ),
]
EndTime = Annotated[
    float | None, option("--t1", help="End time; default: the spec's, or 50 if it names none.")
]
Solver = Annotated[
    str | None,
    option(
        "--solver",
        help="auto, explicit or implicit (for stiff systems, whose time constants differ by "
        "orders of magnitude); default: the spec's, or auto.",
    ),
]
Output = Annotated[
    Path | None,
    output_option("Write the numbers to a .nc, .csv or .json file."),
    Writes(DATA_SUFFIXES),
]
ZARR = ".zarr"
Swept = Annotated[
    Path | None,
    output_option(
        "Write the numbers to a folder .zarr as they come, or to a .nc, .csv or .json file at the "
        "end."
    ),
    Writes(DATA_SUFFIXES, folders=(ZARR,)),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a folder that is there.")]
AtOnce = Annotated[
    int, typer.Option("--at-once", min=1, help="Points of a block, which is what can be lost.")
]
Workers = Annotated[
    int | None,
    option("--workers", min=1, help="Processes of this machine that compute; extra `cluster`."),
]
Plot = Annotated[
    Path | None,
    option("--plot", help="Draw a picture: .png, .svg or .pdf."),
    Writes(picture=True),
]
Report = Annotated[
    Path | None,
    option("--report", help="Write a self-contained HTML report (.html)."),
    Writes((".html",)),
]

NetworkFile = Annotated[
    Path | None,
    option(
        "--network",
        help="Use this network instead of sampling one; any file that `measure` reads.",
    ),
]
LabelFile = Annotated[
    Path | None,
    option(
        "--labels",
        help="The population of each neuron: a file with one per line, or with columns id and "
        "label.",
        rich_help_panel=READING,
    ),
]
Shrink = Annotated[
    bool,
    typer.Option(
        "--shrink",
        help="Shrink the motifs of few neurons by their errors, to those of an ensemble.",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, help="Random seed; the same seed gives the same result.")
]
Size = Annotated[
    int | None,
    option("--size", "-N", min=1, help="Number of neurons to sample; default: the spec's N."),
]
Marginal = Annotated[
    str | None,
    option(
        "--marginal",
        metavar="NAME[:CV]",
        help="Distribution of synaptic weights (with --probability: of the synapses present): "
        "gaussian (default), lognormal, gamma, truncated-gaussian, constant; some take a "
        "coefficient of variation, as lognormal:0.5.",
    ),
]
Probability = Annotated[
    float | None,
    option(
        "--probability", min=0, max=1, help="Sparse networks: probability that a synapse exists."
    ),
]
ZeroDiagonal = Annotated[
    bool, typer.Option("--zero-diagonal", help="No synapses of a neuron onto itself.")
]
