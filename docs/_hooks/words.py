"""Plain text of docstrings and help texts as Markdown."""

import re

MARKS = re.compile(r"([\\*_\[\]<>|$#~^{}])")


def prose(text: str) -> str:
    """A text whose marks are letters, but for what stands between backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return MARKS.sub(r"\\\1", text)
    return "`".join(p.replace("|", "\\|") if k % 2 else _plain(p) for k, p in enumerate(parts))


def _plain(text: str) -> str:
    return MARKS.sub(r"\\\1", text).replace("\\<", "&lt;").replace("\\>", "&gt;")


def code(text: str) -> str:
    """A text as code in a table."""
    return f"`{text}`".replace("|", "\\|")


def table(titles: list[str], rows: list[list[str]]) -> str:
    """Rows of Markdown as a table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"
