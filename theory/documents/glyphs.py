"""Widths of glyphs in em of the surrounding text, and kinds of LaTeX commands.

Widths are those of Computer Modern (10.95 pt in an article of 11 pt), a few per cent too large
rather than too small.
"""

# display, text, script, script of a script: small Computer Modern is wide for its height
SCALE = (1.0, 1.0, 0.8, 0.7)
OTHER = 0.9  # a single character that is in no table
# fmt: off
GLYPHS = {
    0.36: "ilt,.;:!|'",
    0.40: "()[]",
    0.50: "abcdegjopqrsvy0123456789/",
    0.61: "fhknuxz",
    0.70: "IJLS",
    0.80: "wPRTQCOGUZ+-=<>*",
    0.92: "ABDEFHKNVXYm",
    1.10: "MW",
}
NARROW = {
    "iota": 0.36, "sigma": 0.61, "epsilon": 0.47, "varepsilon": 0.47, "prime": 0.3,
    "colon": 0.3, "mid": 0.3, "vert": 0.3, "lvert": 0.3, "rvert": 0.3, "langle": 0.4,
    "rangle": 0.4, "lbrace": 0.51, "rbrace": 0.51, "cdot": 0.3, "partial": 0.59, "infty": 1.0,
    "to": 1.0, "rightarrow": 1.0, "mapsto": 1.0, "Rightarrow": 1.0, "ldots": 1.4, "cdots": 1.4,
    "dots": 1.4, "longrightarrow": 1.7, "Longrightarrow": 1.7, "ll": 1.0, "gg": 1.0,
    "omega": 0.67, "psi": 0.69, "phi": 0.6, "Omega": 0.78, "Delta": 0.84, "Phi": 0.73,
    "Gamma": 0.77,
}
SPACES = {
    ",": 0.167, ":": 0.223, ";": 0.278, "!": -0.167, " ": 0.334, "quad": 1.0, "qquad": 2.0,
    "thinspace": 0.167,
}
LARGE = {
    "sum": 1.45, "prod": 1.28, "int": 1.0, "oint": 1.0,
}
AROUND = {
    "bin": 0.45, "rel": 0.56, "punct": 0.17, "op": 0.34, "inner": 0.18,
}
SILENT = {"displaystyle", "textstyle", "limits", "nolimits", "notag", "allowbreak", "middle"}
FUNCTIONS = {
    "exp", "log", "ln", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min", "sup", "inf",
    "lim", "det", "Pr", "arctan", "erf", "arg",
}
BINARY = {"+", "-", "*", "pm", "mp", "times", "cdot", "ast", "circ"}
RELATIONS = {
    "=", "<", ">", "approx", "equiv", "to", "in", "le", "leq", "ge", "geq", "lt", "gt", "neq",
    "ne", "sim", "simeq", "propto", "mapsto", "rightarrow", "Rightarrow", "longrightarrow",
    "Longrightarrow", "ll", "gg", "colon", "mid",
}
ROMAN = {
    "mathrm", "text", "operatorname", "textrm", "mathbf", "mathsf", "textit", "textbf", "mbox",
    "mathop", "boldsymbol",
}
ACCENTS = {
    "bar", "dot", "ddot", "hat", "tilde", "vec", "overline", "widehat", "widetilde",
    "underline", "mathcal", "mathbb", "mathit",
}
BIG = {"bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "big", "Big", "bigg", "bigm"}
# fmt: on
WIDTH = {glyph: width for width, glyphs in GLYPHS.items() for glyph in glyphs}


def kind(name: str) -> str:
    """What a command or a character is for spacing: "bin", "rel", "punct", "open" or "ord"."""
    if name in BINARY:
        return "bin"
    if name in RELATIONS:
        return "rel"
    if name in (",", ";"):
        return "punct"
    return "open" if name in ("(", "[", "langle", "lbrace", "{") else "ord"


def roman(letter: str) -> float:
    """The width of an upright letter."""
    if letter in "MWmw":
        return {"M": 0.92, "W": 1.04, "m": 0.84, "w": 0.74}[letter]
    if letter in "ijltfrsI":
        return 0.4
    return 0.79 if letter.isupper() else 0.57 if letter.isalpha() else WIDTH.get(letter, 0.6)
