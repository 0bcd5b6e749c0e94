"""The code blocks of a page: what each of them is, and how it is to be run."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,}) *(?P<language>[\w+-]*)(?P<options>[^\n]*)\n"
    r"(?P<body>.*?)^(?P=indent)(?P=fence) *$",
    re.M | re.S,
)
RUN_HERE = {"python", "console"}
NO_CODE = {"", "text"}
KNOWN = {"caption", "file", "adds_to", "raises", "status", "test"}


class PageError(ValueError):
    """A block that cannot be run as it is written."""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page.

    Args:
        kind: How it is run: "python", "console", "file" (written for the blocks below), "test" (a
            test runs it), or "text" (no code).
        language: Of its colours.
        body: Without its indentation.
        options: Of `KNOWN`, by name.
        line: Where it begins in the page.
    """

    kind: str
    language: str
    body: str
    options: dict[str, str] = field(default_factory=dict)
    line: int = field(default=0, repr=False)  # a text that is inserted above changes no block


def blocks(page: str, root: Path) -> list[Block]:
    """All fenced blocks of a page, in their order.

    Raises:
        PageError: An option is unknown, or nothing would run a block.
    """
    return [_block(match, page, root) for match in FENCE.finditer(page)]


def _block(match: re.Match[str], page: str, root: Path) -> Block:
    line = page.count("\n", 0, match.start()) + 1
    language = match["language"]
    options = _options(match["options"], line)
    indent = match["indent"]
    body = "".join(text.removeprefix(indent) for text in match["body"].splitlines(keepends=True))
    return Block(_kind(language, options, line, root), language, body, options, line)


def _kind(language: str, options: dict[str, str], line: int, root: Path) -> str:
    if test := options.get("test"):
        if not (root / test).is_file():
            raise PageError(f"line {line}: there is no test {test}")
        return "test"
    if "file" in options or "adds_to" in options:
        return "file"
    if language in RUN_HERE:
        return language
    if language in NO_CODE:
        return "text"
    raise PageError(
        f"line {line}: nothing runs this block of {language}; give it file=... (it is written for "
        "the blocks below) or test=tests/... (the test that runs it)"
    )


def _options(text: str, line: int) -> dict[str, str]:
    pairs = [word.partition("=") for word in shlex.split(text.strip().strip("{}"))]
    for name, _, _ in pairs:
        if name not in KNOWN:
            raise PageError(f"line {line}: unknown option {name!r}; known are {sorted(KNOWN)}")
    return {name: value for name, _, value in pairs}


def replaced(page: str, by) -> str:
    """A page with each of its blocks replaced: `by(number, indent, fence, body)`."""
    count = iter(range(len(page)))

    def one(match: re.Match[str]) -> str:
        return by(next(count), match["indent"], match["fence"], match["body"])

    return FENCE.sub(one, page)
