"""The page of all commands, from their own help."""

import inspect
from typing import Any

import typer
from words import code, prose, table

from motifield.cli.main import app


def commands_page() -> str:
    """Every command: what it does, its arguments and its options."""
    group = typer.main.get_command(app)
    commands = sorted(group.commands.items())
    text = (
        "# All commands\n\nWritten from the help of each command, `motifield COMMAND --help`.\n\n"
    )
    return text + "".join(_command(name, own) for name, own in commands)


def _command(name: str, own: Any) -> str:
    shown = [p for p in own.params if not p.hidden]
    arguments = [p for p in shown if not p.opts[0].startswith("-")]
    words = " ".join(_argument(p) for p in arguments)
    text = f"## {name}\n\n```text\nmotifield {name} {words} [OPTIONS]\n```\n\n"
    for paragraph in inspect.cleandoc(own.help or "").split("\n\n"):
        text += prose(" ".join(paragraph.replace("\\[", "[").split())) + "\n\n"
    text += table(["argument", ""], [[code(p.metavar or p.name), _help(p)] for p in arguments])
    panels: dict[str | None, list] = {}
    for p in shown:
        if p not in arguments:
            panels.setdefault(p.rich_help_panel, []).append(p)
    for title, options in panels.items():
        text += f"**{title}**\n\n" if title else ""
        text += table(["option", ""], [[_names(p), _help(p)] for p in options])
    return text


def _argument(p: Any) -> str:
    name = p.metavar or p.name.upper()
    return name if p.required else f"[{name}]"


def _names(p: Any) -> str:
    value = "" if getattr(p, "is_flag", False) else f" {p.metavar or 'VALUE'}"
    return ", ".join(code(name) for name in [*p.opts, *p.secondary_opts]) + (
        f" {code(value.strip())}" if value else ""
    )


def _help(p: Any) -> str:
    text = prose((p.help or "").replace("\\[", "["))
    if p.show_default is True and p.default not in (None, False, ()):
        text += f" Default: {code(str(p.default))}."
    return text
