"""The command `motifield explore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .application import command
from .model import Model
from .options import ClosureName, Settings, SpecFile, option
from .parsing import varied
from .paths import Writes

Sliders = Annotated[
    list[str] | None,
    option(
        "--slider",
        metavar="NAME=LO,HI",
        help="A parameter and its range, as 'factor(motifs)=0,4' or 'input[E]=0,2'; repeat for "
        "several. Default: motifs, means, variances, inputs, gains and N.",
    ),
]
Port = Annotated[
    int, option("--port", min=0, max=65535, help="Where to listen; default: any port that is free.")
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Print the address, and open no browser.")
]
Saved = Annotated[
    Path | None,
    option(
        "--save",
        help="The .toml file to which a button of the page writes the spec of what is shown; by "
        "default the browser saves it.",
    ),
    Writes((".toml",)),
]


@command()
def explore(
    spec: SpecFile,
    *,
    slider: Sliders = None,
    closure: ClosureName = None,
    settings: Settings = None,
    port: Port = 0,
    no_browser: NoBrowser = False,
    save: Saved = None,
) -> None:
    """Play with a network in a browser: sliders for its numbers, and what the theory says.

    A local page with fixed points and their stability, time courses, a bifurcation diagram, the
    spectrum, distributions of rates and the equations. Only this machine can reach it, and it loads
    nothing from elsewhere. Ctrl-C ends it. Needs the extra `explore`: pip install
    'motifield[explore]'.
    """
    from ..explorer.inline import require_panel

    require_panel()
    names, spans = varied(slider or [], "--slider")
    ranges = dict(zip(names, spans, strict=True)) if slider else None
    model = Model(spec, closure, settings)
    system, parameters = model.system, model.parameters
    from ..explorer import subject_of, unnumbered
    from ..numerics.parameters import read_mapping

    loaded = model.loaded
    own = unnumbered(read_mapping(spec), loaded.section, system.mean_field.closure.name)
    subject = subject_of(
        system,
        parameters,
        ranges,
        title=model.title,
        initial=model.initial,
        t1=loaded.t1,
        settings=loaded.integrate,
        spec=own,
    )
    from ..explorer.serving import serve

    serve(subject, port=port, browser=not no_browser, save_to=save, ready=_ready)


def _ready(address: str) -> None:
    typer.echo(f"open {address} (Ctrl-C to stop)")
