"""How wide a LaTeX formula prints, estimated without TeX.

Widths are in em of the surrounding text; the estimate errs on the wide side, so that a row that is
said to fit does.
"""

from __future__ import annotations

import re

from .glyphs import (
    ACCENTS,
    AROUND,
    BIG,
    FUNCTIONS,
    LARGE,
    NARROW,
    OTHER,
    ROMAN,
    SCALE,
    SILENT,
    SPACES,
    WIDTH,
    kind,
    roman as roman_width,
)

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)
TALL = re.compile(r"\\(?:d?frac|sum|prod|int|begin)(?![A-Za-z])")


def tokens(latex: str) -> list[str]:
    """Commands, single characters and runs of blanks; joined, they are the text again."""
    return _TOKEN.findall(latex)


def width(latex: str, *, display: bool = True) -> float:
    """The printed width of a formula in em: an estimate that errs on the wide side.

    display: as displayed mathematics (large sums with their limits above and below), not as in
    running text.
    """
    return _Reader(tokens(latex)).row(0 if display else 1)


class _Reader:
    """Reads tokens from left to right and adds up widths."""

    def __init__(self, items: list[str]):
        self.items, self.at = items, 0

    def peek(self) -> str:
        while self.at < len(self.items) and self.items[self.at].isspace():
            self.at += 1
        return self.items[self.at] if self.at < len(self.items) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def row(self, style: int, *stops: str) -> float:
        """The width up to one of the stops, which stays unread, or to the end."""
        total, before = 0.0, "bin"
        while (token := self.peek()) and token not in stops:
            size, sort = self.atom(style)
            if sort == "bin" and before in ("bin", "rel", "punct", "open"):
                sort = "ord"  # a sign
            if style < 2 or sort == "op":
                size += AROUND.get(sort, 0.0) * SCALE[style]
            total, before = total + size, before if sort == "space" else sort
        return total

    def atom(self, style: int) -> tuple[float, str]:
        token = self.peek()
        size, sort = self.nucleus(style)
        above = below = 0.0
        limits = sort == "op" and style == 0 and token not in (r"\int", r"\oint")
        while self.peek() in ("^", "_", "'", r"\limits", r"\nolimits"):
            mark = self.take()
            if mark == "_":
                below = self.argument(max(style, 1) + 1)
            elif mark == "^":
                above += self.argument(max(style, 1) + 1)
            elif mark == "'":
                above += 0.3 * SCALE[style]
        if above or below:
            size = max(size, above, below) if limits else size + max(above, below) + 0.05
        return size, sort

    def argument(self, style: int) -> float:
        return self.nucleus(min(style, 3))[0]

    def nucleus(self, style: int) -> tuple[float, str]:
        token, scale = self.take(), SCALE[style]
        name = token.removeprefix("\\")
        if token == "{":
            size = self.row(style, "}")
            self.take()
            return size, "ord"
        if len(token) < 2:
            return WIDTH.get(token, OTHER) * scale, kind(token)
        return self.command(name, style)

    def command(self, name: str, style: int) -> tuple[float, str]:
        scale = SCALE[style]
        if name in SPACES:
            return SPACES[name], "space"
        if name in SILENT:
            return 0.0, "space"
        if name == "left":
            return self.fenced(style), "inner"
        if name in BIG:
            self.take()
            return (
                0.46 if name.startswith("big") and "bigg" not in name else 0.75
            ), "open" if name.endswith("l") else "close"
        if name in ("frac", "dfrac", "tfrac"):
            inside = (
                max(style, 1) if (name == "frac" and style == 0) or name == "dfrac" else style + 1
            )
            return max(self.argument(inside), self.argument(inside)) + 0.25, "inner"
        if name == "sqrt":
            if self.peek() == "[":
                self.row(3, "]")
                self.take()
            return self.argument(style) + 1.0, "ord"
        if name == "begin":
            return self.environment(style), "inner"
        if name in ROMAN:
            return self.roman(scale), "op" if name in ("operatorname", "mathop") else "ord"
        if name in ACCENTS:
            return max(self.argument(style), 0.5 * scale) + (
                0.15 * scale if name in ("mathcal", "mathbb") else 0.0
            ), "ord"
        if name in LARGE:
            return LARGE[name] * (1.0 if style == 0 else 0.74 * scale), "op"
        if name in FUNCTIONS:
            return sum(map(roman_width, name)) * scale, "op"
        return NARROW.get(
            name, 0.8 if name[0].isupper() or kind(name) != "ord" else 0.65
        ) * scale, kind(name)

    def fenced(self, style: int) -> float:
        self.take()
        start = self.at
        inside = self.row(style, r"\right")
        self.take()
        self.take()
        tall = TALL.search("".join(self.items[start : self.at]))
        return inside + 2 * (0.9 if tall else 0.48) * SCALE[style]

    def roman(self, scale: float) -> float:
        text, depth = "", 0
        while self.at < len(self.items):
            token = self.items[self.at]
            self.at += 1
            depth += (token == "{") - (token == "}")
            text += token
            if depth <= 0 and not token.isspace():
                break
        return (
            sum(0.34 if c.isspace() else roman_width(c) for c in text if c not in "{}$\\") * scale
        )

    def environment(self, style: int) -> float:
        self.roman(1.0)
        columns: list[float] = []
        column = 0
        while self.peek() not in ("", r"\end"):
            size = self.row(max(style, 1), "&", r"\\", r"\end")
            columns[column : column + 1] = [max(size, *columns[column : column + 1], 0.0)]
            if self.peek() in ("&", r"\\"):
                column = column + 1 if self.take() == "&" else 0
        self.take()
        self.roman(1.0)
        return sum(columns) + 1.0 * len(columns) + 0.9
