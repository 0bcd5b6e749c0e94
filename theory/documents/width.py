"""How wide a LaTeX formula prints, estimated without TeX, and where it may be broken when it is too wide.

Widths are in em of the surrounding text, in Computer Modern (10.95 pt in an article of 11 pt). They
are meant to be a few per cent too large rather than too small, so that a row that is said to fit
does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)
_WORD = re.compile(r"\\[A-Za-z]+")
_SCALE = (
    1.0,
    1.0,
    0.8,
    0.7,
)  # display, text, script, script of a script: small Computer Modern is wide for its height

_GLYPHS = {
    0.36: "ilt,.;:!|'",
    0.40: "()[]",
    0.50: "abcdegjopqrsvy0123456789/",
    0.61: "fhknuxz",
    0.70: "IJLS",
    0.80: "wPRTQCOGUZ+-=<>*",
    0.92: "ABDEFHKNVXYm",
    1.10: "MW",
}
_WIDTH = {glyph: width for width, glyphs in _GLYPHS.items() for glyph in glyphs}
_NARROW = {
    "iota": 0.36,
    "sigma": 0.61,
    "epsilon": 0.47,
    "varepsilon": 0.47,
    "prime": 0.3,
    "colon": 0.3,
    "mid": 0.3,
    "vert": 0.3,
    "lvert": 0.3,
    "rvert": 0.3,
    "langle": 0.4,
    "rangle": 0.4,
    "lbrace": 0.51,
    "rbrace": 0.51,
    "cdot": 0.3,
    "partial": 0.59,
    "infty": 1.0,
    "to": 1.0,
    "rightarrow": 1.0,
    "mapsto": 1.0,
    "Rightarrow": 1.0,
    "ldots": 1.4,
    "cdots": 1.4,
    "dots": 1.4,
    "longrightarrow": 1.7,
    "Longrightarrow": 1.7,
    "ll": 1.0,
    "gg": 1.0,
    "omega": 0.67,
    "psi": 0.69,
    "phi": 0.6,
    "Omega": 0.78,
    "Delta": 0.84,
    "Phi": 0.73,
    "Gamma": 0.77,
}
_SPACES = {
    ",": 0.167,
    ":": 0.223,
    ";": 0.278,
    "!": -0.167,
    " ": 0.334,
    "quad": 1.0,
    "qquad": 2.0,
    "thinspace": 0.167,
}
_SILENT = {"displaystyle", "textstyle", "limits", "nolimits", "notag", "allowbreak", "middle"}
_LARGE = {"sum": 1.45, "prod": 1.28, "int": 1.0, "oint": 1.0}
_FUNCTIONS = {
    "exp",
    "log",
    "ln",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "max",
    "min",
    "sup",
    "inf",
    "lim",
    "det",
    "Pr",
    "arctan",
    "erf",
    "arg",
}
_BINARY = {"+", "-", "*", "pm", "mp", "times", "cdot", "ast", "circ"}
_RELATIONS = {
    "=",
    "<",
    ">",
    "approx",
    "equiv",
    "to",
    "in",
    "le",
    "leq",
    "ge",
    "geq",
    "lt",
    "gt",
    "neq",
    "ne",
    "sim",
    "simeq",
    "propto",
    "mapsto",
    "rightarrow",
    "Rightarrow",
    "longrightarrow",
    "Longrightarrow",
    "ll",
    "gg",
    "colon",
    "mid",
}
_ROMAN = {
    "mathrm",
    "text",
    "operatorname",
    "textrm",
    "mathbf",
    "mathsf",
    "textit",
    "textbf",
    "mbox",
    "mathop",
    "boldsymbol",
}
_ACCENTS = {
    "bar",
    "dot",
    "ddot",
    "hat",
    "tilde",
    "vec",
    "overline",
    "widehat",
    "widetilde",
    "underline",
    "mathcal",
    "mathbb",
    "mathit",
}
_BIG = {"bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "big", "Big", "bigg", "bigm"}
_AROUND = {"bin": 0.45, "rel": 0.56, "punct": 0.17, "op": 0.34, "inner": 0.18}
_TALL = re.compile(r"\\(?:d?frac|sum|prod|int|begin)(?![A-Za-z])")


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
            size, kind = self.atom(style)
            if kind == "bin" and before in ("bin", "rel", "punct", "open"):
                kind = "ord"  # a sign
            if style < 2 or kind == "op":
                size += _AROUND.get(kind, 0.0) * _SCALE[style]
            total, before = total + size, before if kind == "space" else kind
        return total

    def atom(self, style: int) -> tuple[float, str]:
        token = self.peek()
        size, kind = self.nucleus(style)
        above = below = 0.0
        limits = kind == "op" and style == 0 and token not in (r"\int", r"\oint")
        while self.peek() in ("^", "_", "'", r"\limits", r"\nolimits"):
            mark = self.take()
            if mark == "_":
                below = self.argument(max(style, 1) + 1)
            elif mark == "^":
                above += self.argument(max(style, 1) + 1)
            elif mark == "'":
                above += 0.3 * _SCALE[style]
        if above or below:
            size = max(size, above, below) if limits else size + max(above, below) + 0.05
        return size, kind

    def argument(self, style: int) -> float:
        return self.nucleus(min(style, 3))[0]

    def nucleus(self, style: int) -> tuple[float, str]:
        token, scale = self.take(), _SCALE[style]
        name = token.removeprefix("\\")
        if token == "{":
            size = self.row(style, "}")
            self.take()
            return size, "ord"
        if len(token) < 2:
            return _WIDTH.get(token, 0.9) * scale, _kind(token)
        return self.command(name, style)

    def command(self, name: str, style: int) -> tuple[float, str]:
        scale = _SCALE[style]
        if name in _SPACES:
            return _SPACES[name], "space"
        if name in _SILENT:
            return 0.0, "space"
        if name == "left":
            return self.fenced(style), "inner"
        if name in _BIG:
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
        if name in _ROMAN:
            return self.roman(scale), "op" if name in ("operatorname", "mathop") else "ord"
        if name in _ACCENTS:
            return max(self.argument(style), 0.5 * scale) + (
                0.15 * scale if name in ("mathcal", "mathbb") else 0.0
            ), "ord"
        if name in _LARGE:
            return _LARGE[name] * (1.0 if style == 0 else 0.74 * scale), "op"
        if name in _FUNCTIONS:
            return sum(map(_roman, name)) * scale, "op"
        return _NARROW.get(
            name, 0.8 if name[0].isupper() or _kind(name) != "ord" else 0.65
        ) * scale, _kind(name)

    def fenced(self, style: int) -> float:
        self.take()
        start = self.at
        inside = self.row(style, r"\right")
        self.take()
        self.take()
        tall = _TALL.search("".join(self.items[start : self.at]))
        return inside + 2 * (0.9 if tall else 0.48) * _SCALE[style]

    def roman(self, scale: float) -> float:
        text, depth = "", 0
        while self.at < len(self.items):
            token = self.items[self.at]
            self.at += 1
            depth += (token == "{") - (token == "}")
            text += token
            if depth <= 0 and not token.isspace():
                break
        return sum(0.34 if c.isspace() else _roman(c) for c in text if c not in "{}$\\") * scale

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


def _kind(name: str) -> str:
    if name in _BINARY:
        return "bin"
    if name in _RELATIONS:
        return "rel"
    if name in (",", ";"):
        return "punct"
    return "open" if name in ("(", "[", "langle", "lbrace", "{") else "ord"


def _roman(letter: str) -> float:
    if letter in "MWmw":
        return {"M": 0.92, "W": 1.04, "m": 0.84, "w": 0.74}[letter]
    if letter in "ijltfrsI":
        return 0.4
    return 0.79 if letter.isupper() else 0.57 if letter.isalpha() else _WIDTH.get(letter, 0.6)


@dataclass(frozen=True)
class Piece:
    """A part of a formula, and what joins it to the part before when both stand in one row (`"\\,"`, a blank, or nothing)."""

    text: str
    glue: str = ""

    def opening(self) -> str:
        """As it reads at the start of a row: a factor says that it multiplies."""
        return rf"\times {self.text}" if self.glue else self.text


def pieces(latex: str, limit: float) -> list[Piece]:
    """The formula in parts of at most `limit` em where that can be done: cut before the signs of a sum, else between factors, else within brackets.

    A pair \\left( ... \\right) that is cut becomes \\bigl( ... \\bigr), because the former cannot
    span rows; a fraction with a numerator that is too wide becomes a product; a wide radicand
    becomes a power.
    """
    limit = max(limit, 3.0)
    latex = re.sub(r"(\\(?:left|right))\s+", r"\1", latex.strip())
    if width(latex) <= limit:
        return [Piece(latex)]
    for cut in (_at_signs, _at_factors):
        parts = cut(latex)
        if len(parts) > 1:
            return _nested(parts, limit)
    for rewrite in (_opened, _unstacked):
        parts = rewrite(latex, limit)
        if parts:
            return parts
    parts = _at_blanks(latex)
    return _nested(parts, limit) if len(parts) > 1 else [Piece(latex)]


def _nested(parts: Sequence[Piece], limit: float) -> list[Piece]:
    found = []
    for part in parts:
        first, *rest = pieces(part.text, limit)
        found += [Piece(first.text, part.glue), *rest]
    return found


def _levels(items: list[str]) -> list[int]:
    """How many brackets, groups and environments are open before each token."""
    depth, levels, skip = 0, [], False
    for token in items:
        closes = token in ("}", ")", "]", r"\right", r"\end") and not skip
        depth -= closes and depth > 0
        levels.append(depth)
        depth += token in ("{", "(", "[", r"\left", r"\begin") and not skip
        skip = (skip and token.isspace()) or token in (r"\left", r"\right") or token[1:] in _BIG
    return levels


def _cut(items: list[str], cuts: dict[int, tuple[str, int]]) -> list[Piece]:
    """Parts between cuts; a cut names its glue and how many tokens it swallows."""
    found, start, glue = [], 0, ""
    for at, (following, swallowed) in [*sorted(cuts.items()), (len(items), ("", 0))]:
        text = "".join(items[start:at]).strip()
        if text:
            found.append(Piece(text, glue))
        start, glue = at + swallowed, following
    return found


def _before(items: list[str], levels: list[int], at: int) -> str:
    """The kind of what stands at the top level before a token: "start", "bin", "rel", "punct", "op" or "ord"."""
    k = at - 1
    while k >= 0 and (
        items[k].isspace() or items[k] in (r"\,", "{", "}") or levels[k] > levels[at]
    ):
        k -= 1
    if k < 0:
        return "start"
    if items[k] in ("_", "^"):
        return _before(items, levels, k)
    if k > 0 and items[k - 1] in ("_", "^"):
        return _before(items, levels, k - 1)
    name = items[k].removeprefix("\\")
    if name == "/":
        return "bin"
    return (
        "op"
        if name in _LARGE or name in _FUNCTIONS or name in _ROMAN - {"mathrm", "text"}
        else _kind(name)
    )


def _at_signs(latex: str) -> list[Piece]:
    items = tokens(latex)
    levels = _levels(items)
    signs = {"+", "-", r"\pm", r"\mp"}
    cuts = {
        k: ("", 0)
        for k, token in enumerate(items)
        if levels[k] == 0
        and (
            (token in signs and _before(items, levels, k) == "ord")
            or (token[-1] not in signs and _kind(token.removeprefix("\\")) == "rel")
        )
        and not (k and items[k - 1] in ("_", "^"))
    }
    return _cut(items, cuts)


def _at_factors(latex: str) -> list[Piece]:
    items = tokens(latex)
    levels = _levels(items)
    integral = r"\int" in items
    cuts = {}
    for k, token in enumerate(items):
        if (
            levels[k]
            or token not in (r"\,", r"\cdot", r"\times")
            or _before(items, levels, k) != "ord"
        ):
            continue
        rest = "".join(items[k + 1 :]).lstrip()
        if (
            not rest
            or rest[0] in "+-"
            or (integral and re.match(r"d\s*[a-zA-Z\\]|\\mathrm\{d\}", rest))
        ):
            continue
        cuts[k] = (r" \, ", 1) if token == r"\," else ("", 0)
    return _cut(items, cuts)


def _at_blanks(latex: str) -> list[Piece]:
    items = tokens(latex)
    levels = _levels(items)
    cuts = {}
    for k, token in enumerate(items[:-1]):
        following = items[k + 1]
        ordinary = (
            following == r"\frac"
            or following.isalnum()
            or (_WORD.fullmatch(following) and following != r"\left")
        )
        if (
            token.isspace()
            and levels[k] == 0
            and ordinary
            and _before(items, levels, k) == "ord"
            and _kind(following.removeprefix("\\")) == "ord"
        ):
            cuts[k] = (" ", 1)
    return _cut(items, cuts)


def _opened(latex: str, limit: float) -> list[Piece]:
    """The widest pair of brackets at the top level, opened; nothing where there is none."""
    items = tokens(latex)
    levels = _levels(items)
    spans = []
    for k, token in enumerate(items):
        if (
            levels[k]
            or token not in (r"\left", "(", "[")
            or (k and (items[k - 1][1:] in _BIG or items[k - 1] == r"\sqrt"))
        ):
            continue
        start = k + (2 if token == r"\left" else 1)
        end = next((j for j in range(start, len(items)) if levels[j] == 0), None)
        if end is not None and "&" not in items[start:end] and items[start - 1] != ".":
            spans.append((k, start, end, end + (2 if token == r"\left" else 1)))
    if not spans:
        return []
    k, start, end, stop = max(spans, key=lambda s: width("".join(items[s[1] : s[2]])))
    inside = "".join(items[start:end])
    size = "Big" if _TALL.search(inside) else "big"
    before = pieces("".join(items[:k]), limit) if k else []
    after = pieces("".join(items[stop:]), limit) if stop < len(items) else []
    tail = after.pop(0).text if after and after[0].text[0] in "^_'" else ""
    room = limit - (width(before[-1].text) if before else 0) - width("x" + tail) - 1.5
    middle = pieces(inside, max(room, limit / 3))
    left, right = rf"\{size}l{items[start - 1]}", rf"\{size}r{items[stop - 1]}"
    if len(middle) == 1:
        left, right = "".join(items[k:start]), "".join(items[end:stop])
    left += " " * left[-1].isalpha()
    middle[0] = Piece(
        f"{before[-1].text if before else ''}{left}{middle[0].text}",
        before[-1].glue if before else "",
    )
    middle[-1] = Piece(f"{middle[-1].text}{right}{tail}", middle[-1].glue)
    return [*before[:-1], *middle, *(Piece(part.text, part.glue or " ") for part in after)]


def _unstacked(latex: str, limit: float) -> list[Piece]:
    """A fraction, root or exponential at the top level that is too wide, with brackets in the place of its bar or exponent."""
    items = tokens(latex)
    levels = _levels(items)
    for k, token in enumerate(items):
        opening = k + 1 + (token == "e" and items[k + 1 : k + 2] == ["^"])
        if (
            levels[k]
            or token not in (r"\frac", r"\sqrt", "e")
            or items[opening : opening + 1] != ["{"]
        ):
            continue
        if (_before(items, levels, k) == "op" and r"\sum" not in items[:k]) or "".join(
            items[:k]
        ).rstrip().endswith(("/", "^", "_")):
            continue
        stop = _group_end(items, opening)
        first, head = "".join(items[opening + 1 : stop - 1]), "".join(items[:k])
        if width(first) <= limit and (
            token != r"\frac" or width("".join(items[stop : _group_end(items, stop)])) <= limit
        ):
            continue
        if token == "e":
            text, rest = rf"\exp\left({first}\right)", items[stop:]
        elif token == r"\sqrt":
            text, rest = rf"\left({first}\right)^{{1/2}}", items[stop:]
        else:
            last = _group_end(items, stop)
            below, rest = "".join(items[stop + 1 : last - 1]), items[last:]
            narrow = width(below) < limit / 2
            text = (
                rf"\frac{{1}}{{{below}}} \left({first}\right)"
                if narrow
                else rf"\left({first}\right) \left({below}\right)^{{-1}}"
            )
        return pieces(f"{head}{text}{''.join(rest)}", limit)
    return []


def _group_end(items: list[str], start: int) -> int:
    depth = 0
    for k in range(start, len(items)):
        depth += (items[k] == "{") - (items[k] == "}")
        if depth == 0 and not items[k].isspace():
            return k + 1
    return len(items)


def rows(terms: Sequence[str], first: float, rest: float) -> list[tuple[str, str]]:
    """Terms filled into rows: the first row has `first` em, those below `rest` em; each row with its indent ("", quad, or more within a term)."""
    found: list[tuple[str, str]] = []
    indent, row, room = "", "", first
    for term in terms:
        whole = width(term) <= rest - 1 and (row or width(term) <= room)
        for k, part in enumerate(
            [Piece(term.strip())]
            if whole
            else pieces(term, (rest if row else min(first, rest)) - 2.5)
        ):
            joined = f"{row}{part.glue or ' '}{part.text}" if row else part.text
            if row and width(joined) > room:
                found.append((indent, row))
                indent, joined = (r"\quad " if k == 0 else r"\qquad "), part.opening()
                room = rest - (1.0 if k == 0 else 2.0)
            row = joined
    return [*found, (indent, row)]
