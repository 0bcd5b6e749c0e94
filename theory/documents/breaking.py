"""Where a LaTeX formula may be broken when it is too wide for a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .glyphs import BIG, FUNCTIONS, LARGE, ROMAN, kind
from .width import TALL, tokens, width

_WORD = re.compile(r"\\[A-Za-z]+")


@dataclass(frozen=True)
class Piece:
    r"""A part of a formula, and what joins it to the part before when both stand in one row.

    The glue is `"\\,"`, a blank, or nothing.
    """

    text: str
    glue: str = ""

    def opening(self) -> str:
        """As it reads at the start of a row: a factor says that it multiplies."""
        return rf"\times {self.text}" if self.glue else self.text


def pieces(latex: str, limit: float) -> list[Piece]:
    r"""The formula in parts of at most `limit` em, where that can be done.

    It is cut before the signs of a sum, else between factors, else within brackets. A pair
    \left( ... \right) that is cut becomes \bigl( ... \bigr), because the former cannot span rows; a
    fraction with a numerator that is too wide becomes a product; a wide radicand becomes a power.
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
        skip = (skip and token.isspace()) or token in (r"\left", r"\right") or token[1:] in BIG
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
    """The kind of what stands at the top level before a token.

    "start", "bin", "rel", "punct", "op" or "ord".
    """
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
        if name in LARGE or name in FUNCTIONS or name in ROMAN - {"mathrm", "text"}
        else kind(name)
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
            or (token[-1] not in signs and kind(token.removeprefix("\\")) == "rel")
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
            and kind(following.removeprefix("\\")) == "ord"
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
            or (k and (items[k - 1][1:] in BIG or items[k - 1] == r"\sqrt"))
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
    size = "Big" if TALL.search(inside) else "big"
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
    """A fraction, root or exponential at the top level that is too wide, written with brackets.

    They stand in the place of its bar or exponent.
    """
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
    """Terms filled into rows.

    Args:
        terms: LaTeX, each from the second on with its sign.
        first: Room of the first row, in em.
        rest: Room of the rows below.

    Returns:
        Each row with its indent: "", a quad, or more within a term.
    """
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
