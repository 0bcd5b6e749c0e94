"""A page as a notebook, with the outputs that the build made."""

import json
import re

from blocks import FENCE, Block
from running import Output, Ran

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)[^)]*\)(\{[^}]*\})?")
ANNOTATION = re.compile(r"^!!! (\w+)(?: \"([^\"]*)\")?\n((?:    .*\n|\n)+)", re.M)


def below_title(page: str, text: str) -> str:
    """A page with a text below its title."""
    return re.sub(r"^(# .*\n)", lambda m: f"{m[1]}\n{text}", page, count=1, flags=re.M)


def notebook(page: str, blocks: list[Block], ran: Ran) -> str:
    """The notebook of a page, as JSON.

    Links within the site are plain words in it. Commands have "!" before them, and files are
    written by cells.
    """
    cells: list[dict] = []
    end = 0
    for match, block, output in zip(FENCE.finditer(page), blocks, ran.outputs, strict=True):
        if block.kind in ("text", "test"):
            continue
        cells += _words(page[end : match.start()])
        cells.append(_code(block, output))
        end = match.end()
    cells += _words(page[end:])
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    meta = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": cells, "metadata": meta, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1) + "\n"


def _words(text: str) -> list[dict]:
    text = ANNOTATION.sub(_quoted, LINK.sub(r"\1", text)).strip()
    return [{"cell_type": "markdown", "metadata": {}, "source": text}] if text else []


def _quoted(match: re.Match[str]) -> str:
    lines = [f"**{match[2] or match[1].capitalize()}**", *match[3].strip().splitlines()]
    return "".join(f"> {line.strip()}\n" for line in lines)


def _code(block: Block, output: Output) -> dict:
    outputs: list[dict] = []
    if output.text:
        outputs.append({"output_type": "stream", "name": "stdout", "text": output.text})
    for kind, text in output.shown:
        mime = {"html": "text/html", "latex": "text/latex", "markdown": "text/markdown"}[kind]
        outputs.append(_data({mime: text, "text/plain": ""}))
    outputs += [_data({"image/svg+xml": svg, "text/plain": ""}) for svg in output.pictures]
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "source": _source(block),
        "outputs": outputs,
    }


def _data(data: dict[str, str]) -> dict:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _source(block: Block) -> str:
    body = block.body.rstrip("\n")
    if block.kind == "console":
        return re.sub(r"^\$ ", "!", body, flags=re.M)
    if block.kind == "file":
        name = block.options.get("file")
        return (
            f"%%writefile {name}\n{body}"
            if name
            else (f"%%writefile -a {block.options['adds_to']}\n{body}")
        )
    return body
