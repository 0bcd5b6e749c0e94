"""The application that every command registers with, and how it registers."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from dataclasses import is_dataclass
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_args, get_type_hints

import typer

from .. import __version__
from ..waiting import wanted
from .origin import options_noted
from .paths import check_paths
from .process import prepare
from .reading import readings_noted

TAGS = re.compile(r"(?=\[[a-z#/@])")  # what rich takes for markup in help texts, and swallows

app = typer.Typer(
    name="motifield",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Mean-field equations of nonlinear random recurrent networks with correlated synapses: "
    "derive them, run them, check them against sampled networks. A SPEC is a TOML or JSON file; "
    "motifield schema has its entries. Exit status: 0 done, 1 a check failed, 2 bad input, "
    "130 interrupted.",
)


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"motifield {__version__}")
        raise typer.Exit()


def command(
    name: str | None = None, *, once: bool = True
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command; a parameter of it may be a group of options.

    A group is a dataclass whose fields are options. The command line has the fields in the place
    of the group, and the function receives the group. Here it has SPEC, --closure, --set, --to,
    --output, --plot and --json:

        @command()
        def response(model: Model, *, to: To = None, out: Out) -> None:

    Args:
        name: of the command; default: the function's.
        once: whether what it compiles runs about once; else it is worth compiling well.

    Returns:
        A decorator, which leaves the function as it is.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        groups: dict[str, tuple[Callable[..., Any], list[str]]] = {}
        options: list[Parameter] = []
        for parameter in _parameters(function):
            group: Any = parameter.annotation
            if is_dataclass(parameter.annotation):
                fields = _parameters(group)
                groups[parameter.name] = group, [field.name for field in fields]
                options += fields
            else:
                options.append(parameter)

        def call(**values: Any) -> None:
            prepare(once=once)
            check_paths(options, values)
            asked = dict(values)
            for own, (group, names) in groups.items():
                values[own] = group(**{option: values.pop(option) for option in names})
            with wanted(True), readings_noted(), options_noted(asked):
                function(**values)

        # what typer reads of a command
        call.__name__, call.__doc__ = function.__name__, literal(function.__doc__ or "")
        call.__annotations__ = {option.name: option.annotation for option in options}
        call.__signature__ = Signature(options)  # type: ignore[attr-defined]
        app.command(name)(call)
        return function

    return register


def _parameters(function: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a function or fields of a dataclass, by keyword, annotations evaluated."""
    hints = get_type_hints(function, include_extras=True)
    return [
        parameter.replace(annotation=_told(hints[parameter.name]), kind=Parameter.KEYWORD_ONLY)
        for parameter in signature(function).parameters.values()
    ]


def _told(annotation: Any) -> Any:
    """The annotation of a parameter, whose help text is printed as it is written."""
    own, *marks = get_args(annotation) if hasattr(annotation, "__metadata__") else (annotation,)
    if not marks:
        return annotation
    return Annotated[(own, *(_literal_help(mark) for mark in marks))]


def _literal_help(mark: Any) -> Any:
    if not getattr(mark, "help", None):
        return mark
    made = copy(mark)
    made.help = literal(mark.help)
    return made


def literal(text: str) -> str:
    """The text as rich's markup for itself: `[connectome]` stays, and is no style."""
    return TAGS.sub(r"\\", text)
