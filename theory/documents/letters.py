"""Letters in LaTeX: every character of a name or a title as commands that pdflatex knows."""

from __future__ import annotations

import unicodedata

# fmt: off
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\ensuremath{\$}", "&": r"\&",
    "#": r"\#", "%": r"\%", "_": r"\_", "^": r"\^{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "\u00a0": "~", "–": "--",
    "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\ldots{}",
}
_SYMBOLS = {
    "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "→": r"\to", "←": r"\leftarrow",
    "↔": r"\leftrightarrow", "∞": r"\infty", "×": r"\times", "·": r"\cdot", "±": r"\pm",
    "−": "-", "∂": r"\partial", "√": r"\surd", "∑": r"\sum", "∫": r"\int", "∈": r"\in",
    "²": "^2", "³": "^3", "⟨": r"\langle", "⟩": r"\rangle", "°": r"^\circ",
}
_GREEK_NAMES = (
    "alpha", "beta", "gamma", "delta", "varepsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "varphi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega",
)
_GREEK_LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d",
    "\u0327": "c", "\u0331": "b",
}
_LIGATURES = {
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}",
    "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}",
}
# fmt: on
_GREEK = {c: f"\\{name}" for c, name in zip(_GREEK_LETTERS, _GREEK_NAMES, strict=True)}


def letter_latex(letter: str) -> str:
    """A character in running text; of a script that has no commands, its number in Unicode."""
    symbols = _SYMBOLS | _GREEK
    if letter in symbols:
        return rf"\ensuremath{{{symbols[letter]}}}"
    if known := _ESCAPES.get(letter) or _LIGATURES.get(letter):
        return known
    if letter.isascii():
        return letter if letter.isprintable() or letter.isspace() else ""
    apart = unicodedata.normalize("NFKD", letter)
    if len(apart) == 2 and apart[0].isascii() and apart[1] in _ACCENTS:
        return rf"\{_ACCENTS[apart[1]]}{{{apart[0]}}}"
    if apart != letter:
        return "".join(map(letter_latex, apart))
    return f"[U+{ord(letter):04X}]" if letter.isprintable() else ""


def in_formula(latex: str) -> str:
    """A formula in which letters beyond ASCII are commands."""
    return "".join(c if c.isascii() else _in_formula(c) for c in latex)


def _in_formula(letter: str) -> str:
    symbols = _SYMBOLS | _GREEK
    if letter in symbols:
        return f"{symbols[letter]} "
    return rf"\text{{{letter_latex(letter)}}}"
