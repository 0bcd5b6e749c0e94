"""The command `motifield sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .application import command
from .model import Model
from .options import (
    ZARR,
    AsJson,
    AtOnce,
    ClosureName,
    Plot,
    Resume,
    Settings,
    Swept,
    Workers,
    option,
)
from .output import Out
from .parsing import listed
from .terminal import print_json, print_table, progress

ACTIONS = ("status", "plot")

Source = Annotated[
    Path,
    typer.Argument(
        metavar="SPEC",
        help="TOML or JSON description of the network; or status, or plot, of a FOLDER.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FOLDER]", help="A sweep's folder, for status and plot.", show_default=False
    ),
]
Over = Annotated[
    list[str] | None,
    option(
        "--over",
        metavar="NAME=LO,HI,COUNT",
        help="A parameter and its values, evenly between two ends, as 'input[E]=0,2,101' or "
        "'factor(motifs)=0,4,101'; of samples NAME=LO,HI. Repeat for several.",
    ),
]
Values = Annotated[
    list[str] | None,
    option(
        "--values",
        metavar="NAME=V,V,...",
        help="A parameter and its values one by one, as 'N=500,1000,2000' or 'seed=0,1,2'.",
    ),
]
Verb = Annotated[
    str,
    typer.Option(
        "--what",
        help="integrate, fixed-point (the one that is reached), fixed-points (all), stability, "
        "response, rates (their distributions), dmft, simulate (a sampled network) or verify.",
    ),
]
Design = Annotated[
    str, typer.Option("--design", help="grid, zip, or samples: sobol, latin, random.")
]
Count = Annotated[int | None, option("--count", min=1, help="Number of samples.")]
DesignSeed = Annotated[int, typer.Option("--design-seed", min=0, help="Random seed of samples.")]
SweepTime = Annotated[float | None, option("--t1", help="End time of integrate, simulate, verify.")]
Courses = Annotated[
    bool,
    typer.Option("--courses", help="Keep every time, lag or start, not only what they end in."),
]
Variable = Annotated[
    str | None,
    option(
        "--variable",
        help="What the picture shows, a number of each point or its status; default: the rates "
        "over one parameter, the number of attractors over several.",
    ),
]
Contours = Annotated[
    str | None,
    option("--contours", metavar="V,V,...", help="Levels of contours in the picture, or auto."),
]


@command(once=False)
def sweep(
    source: Source,
    folder: Folder = None,
    *,
    over: Over = None,
    values: Values = None,
    verb: Verb = "integrate",
    design: Design = "grid",
    count: Count = None,
    design_seed: DesignSeed = 0,
    t1: SweepTime = None,
    closure: ClosureName = None,
    settings: Settings = None,
    output: Swept = None,
    resume: Resume = False,
    at_once: AtOnce = 256,
    workers: Workers = None,
    courses: Courses = False,
    variable: Variable = None,
    contours: Contours = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Do one thing at many points: a grid, samples, networks of many seeds.

    With -o out.zarr the numbers are on disk as they come: after Ctrl-C, or a power cut, the same
    command with --resume goes on. `motifield sweep status out.zarr` says how far it is, `motifield
    sweep plot out.zarr` draws it to out.png, or --plot FILE. Exit status 1 when a point failed.
    """
    drawing = _drawing(variable, contours)
    if str(source) in ACTIONS:
        _of_folder(str(source), folder, drawing, plot, as_json)
        return
    if drawing and plot is None:
        raise SpecError("--variable and --contours are of the picture: say by --plot where it goes")
    if folder is not None:
        raise SpecError(f"{folder}: only status and plot take a folder; write to one by -o")
    model = Model(source, closure, settings)
    system, parameters = model.system, model.parameters
    from ..numerics.sweeps import sweep as swept, whole

    is_folder = output is not None and output.suffix == ZARR
    options: dict[str, Any] = {"design": design, "count": count, "design_seed": design_seed}
    options |= {"at_once": at_once, "resume": resume, "out": output if is_folder else None}
    options |= {"workers": workers}
    if t1 is not None:
        options["t1"] = t1
    if courses:
        options["reduce"] = whole
    axes = _axes(over or [], values or [], design)
    with progress(not as_json) as say:
        found = swept(system, parameters, axes, verb, progress=say, **options)
    out = Out(None if is_folder else output, plot, as_json)
    heading = f"{model.title}: {found.title}, status {found.status}"
    out.conclude(found, heading, drawing=drawing)


def _drawing(variable: str | None, contours: str | None) -> dict[str, Any]:
    """Options of the picture."""
    given: dict[str, Any] = {} if variable is None else {"variable": variable}
    if contours is not None:
        given["contours"] = True if contours == "auto" else listed("--contours", contours)
    return given


def _of_folder(
    action: str, folder: Path | None, drawing: dict[str, Any], plot: Path | None, as_json: bool
) -> None:
    """`motifield sweep status FOLDER` and `motifield sweep plot FOLDER`."""
    if folder is None:
        raise SpecError(f"motifield sweep {action} needs the folder of a sweep")
    from ..numerics.sweeps import open_sweep, sweep_progress, sweep_rate

    found = open_sweep(folder)
    if action == "plot":
        picture = folder.with_suffix(".png") if plot is None else plot
        if plot is None and picture.exists():
            raise SpecError(f"{picture} is there: say by --plot FILE where the picture goes")
        from ..numerics.plots import draw_result, save

        save(draw_result(found, **drawing), picture)
        if plot is None:
            typer.echo(f"wrote {picture}")
        return
    done, blocks = sweep_progress(folder)
    rate = sweep_rate(folder)
    sizes = {dim: found.dataset.sizes[dim] for dim in found.dims}
    about = {"title": found.title, "blocks done": done, "blocks": blocks, "sizes": sizes}
    if as_json:
        speed = (rate.per_second, rate.left) if rate else (None, None)
        about |= dict(zip(("points per second", "seconds left"), speed, strict=True))
        print_json({**about, **found.status.json()})
    else:
        extent = " x ".join(str(n) for n in sizes.values())
        row = {"points": extent, "blocks done": f"{done} of {blocks}"}
        row |= {"being computed": str(rate)} if rate else {}
        print_table(found.title, [{**row, "status": str(found.status)}])


def _axes(over: list[str], values: list[str], design: str) -> dict[str, Any]:
    """The values of every parameter."""
    found: dict[str, Any] = {}
    for flag, texts in (("--over", over), ("--values", values)):
        for text in texts:
            name, sign, numbers = text.rpartition("=")
            if not sign:
                raise SpecError(f"{flag} {text!r} is not NAME=NUMBERS, as 'input[E]=0,2,101'")
            own = listed(flag, numbers)
            found[name.strip()] = own if flag == "--values" else _even(text, own, design)
    if not found:
        raise SpecError("say by --over or --values what is varied, as --over 'input[E]=0,2,101'")
    return found


def _even(text: str, numbers: list[float], design: str) -> Any:
    if design in ("grid", "zip"):
        if len(numbers) != 3 or numbers[2] < 1 or numbers[2] % 1:
            raise SpecError(f"--over {text!r} is not NAME=LO,HI,COUNT, as 'input[E]=0,2,101'")
        import numpy as np

        return np.linspace(numbers[0], numbers[1], int(numbers[2])).tolist()
    if len(numbers) != 2:
        raise SpecError(f"--over {text!r} is not NAME=LO,HI, the ends between which samples lie")
    return tuple(numbers)
