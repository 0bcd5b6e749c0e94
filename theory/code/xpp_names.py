"""Names in XPPAUT: at most ten characters, different even when capitals do not count."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..notation import QUANTITIES, entry_of

LONGEST_NAME = 10
# fmt: off
_RESERVED = {
    "t", "pi", "if", "then", "else", "sin", "cos", "tan", "asin", "acos", "atan", "atan2",
    "sinh", "cosh", "tanh", "exp", "ln", "log", "log10", "sqrt", "abs", "sign", "heav", "mod",
    "flr", "ran", "normal", "max", "min", "erf", "erfc", "lgamma", "sum", "of", "delay",
    "del_shft", "shift", "set", "besselj", "bessely", "poisson", "hom_bcs", "done", "par", "aux",
    "init", "global", "wiener", "markov", "table", "number", "i1", "i2", "i3", "ishift", "not",
    "and", "or", "arg1", "arg2", "arg3", "arg4", "arg5", "arg6", "arg7", "arg8", "arg9",
}
_SHORT = {
    "fractions": "al", "mean": "j", "tau_con": "tc", "tau_div": "td", "tau_chn": "th",
    "tau_rec": "tr", "tau_inp": "ti", "noise": "d", "drive": "i", "in_strength": "h",
    "spread": "sg", "A": "aa", "B": "bb", "K": "k", "kappa": "ka", "rho": "rh", "current": "cu",
    "V": "vn", "Delta": "dl", "R": "r", "G": "gn", "C": "cc", "N": "nn", "transfer": "f",
    "membrane": "m", "synapse": "y",
}
# fmt: on


class Names:
    """Short names for long ones: at most ten characters, different even when capitals do not count.

    tags: how populations are called in them; made: the short name of each long one
    """

    def __init__(self, populations: Sequence[str], functions: Sequence[str]):
        tags = [n.lower() for n in populations]
        plain = all(re.fullmatch(r"[a-z0-9]{1,2}", tag) for tag in tags) and len(set(tags)) == len(
            tags
        )
        self.tags = tags if plain else [str(k + 1) for k in range(len(tags))]
        self.populations = list(populations)
        self.made: dict[str, str] = {}
        self.taken = (
            _RESERVED
            | set(functions)
            | {f"{n}_{tag}" for n in ("var", "rate") for tag in self.tags}
        )

    def __call__(self, long: str) -> str:
        if long not in self.made:
            self.made[long] = self.fresh(self.abbreviated(long))
        return self.made[long]

    def fresh(self, wanted: str) -> str:
        name, n = wanted[:LONGEST_NAME], 1
        while name in self.taken:
            n += 1
            name = f"{wanted[: LONGEST_NAME - 1 - len(str(n))]}_{n}"
        self.taken.add(name)
        return name

    def abbreviated(self, long: str) -> str:
        base, own, names = entry_of(long, self.populations)
        indices = "".join(self.tags[self.populations.index(name)] for name in names)
        start = _SHORT.get(base, base.lower()) + re.sub(r"[^a-z0-9]", "", own.lower())
        start = re.sub(r"[^a-z0-9_]", "", start)
        return f"{start[: LONGEST_NAME - 1 - len(indices)]}_{indices}" if indices else start


def meaning(long: str) -> str:
    base, own, _ = entry_of(long)
    if base in ("transfer", "membrane", "synapse"):
        return f"{own} of the {base}"
    what = {
        "mu": "mean of u",
        "nu": "variance of u, phi being a function of u = a x + b",
        "N": "number of neurons",
    }
    text = what.get(base) or (QUANTITIES[base].meaning if base in QUANTITIES else "")
    return f"{text}, a further state of its filter" if own else text


def comment(name: str) -> str:
    return "".join(c if c.isprintable() and c.isascii() else "?" for c in name)[:40]
