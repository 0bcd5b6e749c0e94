"""Mean-field equations as an .ode file for XPPAUT, with averages in closed form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sympy as sp

from ...errors import NoClosedFormError, SpecError
from ..architecture import TransferFunction
from ..averages import (
    BivariateProbability,
    GatedProbability,
    GaussianAverage,
    OwenT,
    Probability,
    ScaledCDF,
    TiltedProbability,
    tilt,
)
from ..equations import MeanField, names_of, scalar
from .averages import DELTA, MU, closed_average
from .header import version
from .scalars import ScalarPrinter, refuse
from .xpp_names import LONGEST_NAME, Names, comment, meaning

T = sp.Symbol("t")
LONGEST_LINE = 900  # XPPAUT cuts a line after 1023 characters, without an error
SETTINGS = "@ meth=cvode, tol=1e-9, atol=1e-11, total=50, dt=0.1, maxstor=100000, bound=1e9"
_NO_QUADRATURE = (BivariateProbability, GatedProbability, OwenT)


_FUNCTIONS = """\
ncdf(h)=0.5*erfc(-h/sqrt(2))
dns(c,m,v)=if(v>0)then(exp(-(c-m)^2/(2*max(v,1e-300)))/sqrt(2*pi*max(v,1e-300)))else(0)
dns1(c,m,v)=(c-m)/max(v,1e-300)*dns(c,m,v)
sdns(c,m,v)=sqrt(max(v,0)/(2*pi))*exp(-(c-m)^2/(2*max(v,1e-300)))
pabv(c,m,v)=if(v>0)then(0.5*erfc((c-m)/sqrt(2*max(v,1e-300))))else(heav(m-c))
pblw(c,m,v)=if(v>0)then(0.5*erfc((m-c)/sqrt(2*max(v,1e-300))))else(1-heav(m-c))
pbtw(a,b,m,v)=if(m<a)then(pabv(a,m,v)-pabv(b,m,v))else(pblw(b,m,v)-pblw(a,m,v))""".splitlines()


class _Printer(ScalarPrinter):
    NAMES: Mapping[str, str] = {
        "NormalCDF": "ncdf",
        "ScaledDensity": "sdns",
        "log": "ln",
        "Heaviside": "heav",
        "Abs": "abs",
        "Max": "max",
    }

    def _print_Probability(self, expr):
        a, b, m, v = (self._print(c) for c in expr.args)
        if expr.args[1] == sp.oo:
            return f"pabv({a}, {m}, {v})"
        return f"pblw({b}, {m}, {v})" if expr.args[0] == -sp.oo else f"pbtw({a}, {b}, {m}, {v})"

    def _print_DensityMoment(self, expr):
        k, *rest = expr.args
        return f"{('dns', 'dns1')[int(k)]}({', '.join(self._print(c) for c in rest)})"


def xpp_ode(
    mean_field: MeanField,
    parameters: Mapping[str, Any],
    initial: Mapping[str, float] | None = None,
    populations: int | Sequence[str] | None = None,
) -> str:
    """The text of an .ode file for up to four populations.

    It has parameters, averages and variances, one equation per state, and variances and rates as
    auxiliary quantities.

    Args:
        mean_field: The equations.
        parameters: A number for every parameter of the explicit equations by its name there, as
            `tau_chn_EEI`, `membrane_tau_E` or `transfer_gain_I` (these two have defaults). An input
            may also be a SymPy expression of the symbol t, made of Heaviside functions.
        initial: Numbers for states by name, as `K_E`; others start at 0.
        populations: A number, or names; default: those of the architecture.

    Raises:
        NoClosedFormError: The averages of a transfer function have no closed form in erf and exp;
            XPPAUT has no quadrature.
        ArchitectureError: There are more than four populations, a membrane is 1, or strengths have
            components.
        SpecError: A number is missing, or a name unknown.
    """
    return _Writer(mean_field, parameters, initial or {}, populations).text()


class _Writer:
    def __init__(self, mean_field, parameters, initial, populations):
        refuse(mean_field.architecture, "an XPPAUT file")
        self.mean_field, self.architecture = mean_field, mean_field.architecture
        self.populations = names_of(self.architecture.populations, populations)
        self.every = range(len(self.populations))
        self.equations = mean_field.explicit(list(self.populations), averages=False)
        self.states = [
            str(e.lhs.args[0]) for e in self.equations if isinstance(e.lhs, sp.Derivative)
        ]
        self.values = self._defaults() | {str(n): v for n, v in parameters.items()}
        unknown = [n for n in initial if n not in self.states]
        if unknown:
            raise SpecError(
                f"no state is called {unknown[0]!r}: there are {', '.join(self.states)}"
            )
        self.initial = initial
        self.short = Names(self.populations, [line.split("(")[0] for line in _FUNCTIONS])
        self.printer = _Printer()
        self.lines: list[str] = []
        self.defined: list[str] = []
        self.temporary = 0

    def text(self) -> str:
        state_lines = self.body()
        quantities = self.lines
        used = sorted(n for n in self.short.made if n not in {*self.states, *self.defined})
        for n in used:
            self.value(n)
        constant = [n for n in used if not isinstance(self.values[n], sp.Expr)]
        lines = [
            *self.head(),
            *(f"par {self.short(n)}={float(self.values[n])!r}" for n in constant),
            "",
            *_needed(quantities + state_lines),
        ]
        lines += [
            f"{self.short(n)}={self.printer.code(self.values[n])}"
            for n in used
            if n not in constant
        ]
        lines += ["", *quantities, "", *state_lines, ""]
        lines += [
            f"aux var_{tag}={self.short(self.name('Delta', a))}\naux "
            f"rate_{tag}={self.short(self.name('R', a))}"
            for a, tag in enumerate(self.short.tags)
        ]
        lines += [f"init {self.short(n)}={float(self.initial.get(n, 0.0))!r}" for n in self.states]
        return "\n".join([*lines, "", SETTINGS, "done", ""])

    def head(self) -> list[str]:
        who = ", ".join(
            f"{tag} = {comment(n)}"
            for tag, n in zip(self.short.tags, self.populations, strict=True)
        )
        closure = type(self.mean_field.closure).__name__
        lines = [
            f"# Mean-field equations, closure {closure}; populations {who}",
            f"# Generated by motifield {version()}",
            "#",
        ]
        return [
            *lines,
            *(
                f"# {short:<11}{comment(long):<24}{meaning(long)}"
                for long, short in sorted(self.short.made.items())
            ),
            "",
        ]

    def name(self, base: str, a: int) -> str:
        return str(scalar(base, (a,), self.populations))

    def body(self) -> list[str]:
        """Write quantities, each before it is used, and return the equations of the states."""
        rights = {str(e.lhs): e.rhs for e in self.equations if isinstance(e.lhs, sp.Symbol)}
        for name in sorted(rights, key=lambda n: n.startswith("Delta")):
            self.define(name, rights[name])
        wanted = [n for n in ("R", "G", "C") if n in self.mean_field.averages]
        for a in self.every:
            self.averages(a, wanted)
        return [
            f"{self.short(str(e.lhs.args[0]))}'={self.code(e.rhs)}"
            for e in self.equations
            if isinstance(e.lhs, sp.Derivative)
        ]

    def averages(self, a: int, wanted: Sequence[str]) -> None:
        f = self.architecture.transfer[a if len(self.architecture.transfer) > 1 else 0]
        own = {s: sp.Symbol(self.name(f"transfer_{s}", a), **s.assumptions0) for s in f.defaults}
        f, rate = self.closed(f, own, 1)
        mean, variance = (sp.Symbol(self.name(n, a)) for n in ("K", "Delta"))
        if not f.affine.is_identity:
            slope, shift = f.affine.a.xreplace(own), f.affine.b.xreplace(own)
            self.define(self.name("mu", a), slope * mean + shift)
            self.define(self.name("nu", a), slope**2 * variance)
            mean, variance = (sp.Symbol(self.name(n, a)) for n in ("mu", "nu"))
        scale = sp.Integer(1) if f.affine.is_identity else f.affine.a
        forms = {"R": rate, "G": scale * sp.diff(rate, MU)}
        if "C" in wanted:
            forms["C"] = self.closed(f, own, 2)[1]
        for n in dict.fromkeys(("R", *wanted)):
            self.define(
                self.name(n, a), _elementary(forms[n]).xreplace({MU: mean, DELTA: variance, **own})
            )

    def closed(
        self, f: TransferFunction, own: Mapping[sp.Symbol, sp.Symbol], power: int
    ) -> tuple[TransferFunction, sp.Expr]:
        """A closed form for any values of the function's parameters, and the function.

        Where there is none: one for the values given, and the function with these.
        """
        form = closed_average(f, power)
        if form is not None and not form.has(*_NO_QUADRATURE):
            return f, form
        numbers = {s: sp.nsimplify(self.value(str(v)), rational=True) for s, v in own.items()}
        fixed = TransferFunction(f.name, f.with_values(numbers))
        what = "square of the transfer function" if power == 2 else "transfer function"
        try:
            form = fixed.average_of_u(MU, DELTA, power).closed_form(nodes=True)
        except NoClosedFormError as error:
            form, reason = None, str(error)
        else:
            reason = "it is a bivariate normal probability, which XPPAUT does not have"
        if form is None or form.has(*_NO_QUADRATURE):
            raise NoClosedFormError(
                f"XPPAUT has no quadrature, and the average of the {what} {f.name} = "
                f"{f.expression} has no closed form in "
                f"erf and exp ({reason}): write NumPy (.np.py) or Julia (.jl), or choose a "
                "function with a closed form"
            )
        if (
            power == 2 and f.defaults
        ):  # the mean is in terms of u for any values: the square must be of the same u
            form = GaussianAverage(f.affine.outer.subs(numbers) ** 2, MU, DELTA).closed_form(
                nodes=True
            )
            return f, form
        return fixed, form

    def define(self, name: str, expression: sp.Expr) -> None:
        text = self.code(expression)
        self.defined.append(name)
        self.lines.append(f"{self.short(name)}={text}")

    def code(self, expression: sp.Expr) -> str:
        """The expression in short names.

        Parts of what is too long for a line become quantities of their own.
        """
        long = sorted(expression.free_symbols - {T}, key=str)
        return self.split(
            expression.xreplace({s: sp.Symbol(self.short(str(s)), **s.assumptions0) for s in long})
        )

    def split(self, expression: sp.Expr) -> str:
        text = self.printer.code(expression)
        if len(text) <= LONGEST_LINE - 2 * LONGEST_NAME:
            return text
        parts = list(expression.args)
        if isinstance(expression, sp.Add):
            middle = len(parts) // 2
            return " + ".join(self.part(sp.Add(*half)) for half in (parts[:middle], parts[middle:]))
        longest = max(range(len(parts)), key=lambda k: len(self.printer.code(parts[k])))
        parts[longest] = sp.Symbol(self.part(parts[longest]))
        return self.split(expression.func(*parts))

    def part(self, expression: sp.Expr) -> str:
        text = self.split(expression)
        self.temporary += 1
        name = self.short.fresh(f"q{self.temporary}")
        self.lines.append(f"{name}={text}")
        return name

    def value(self, name: str) -> Any:
        if name not in self.values:
            raise SpecError(f"an XPPAUT file needs a number for {name}: give it in the parameters")
        return self.values[name]

    def _defaults(self) -> dict[str, Any]:
        found = {}
        for kind in ("transfer", "membrane", "synapse"):
            own = getattr(self.architecture, kind)
            for a in self.every:
                for s, v in own[a if len(own) > 1 else 0].defaults.items():
                    found[str(scalar(f"{kind}_{s}", (a,), self.populations))] = (
                        v if not isinstance(v, sp.Expr) else float(v)
                    )
        return found


def _elementary(form: sp.Expr) -> sp.Expr:
    """Tilted probabilities as an exponential times a probability."""

    def tilted(e: TiltedProbability) -> sp.Expr:
        a, b, *quadratic, m, v = e.args
        scale, mean, variance = tilt(quadratic, m, v)
        return scale * Probability(a, b, mean, variance)

    form = form.replace(lambda e: isinstance(e, TiltedProbability), tilted)
    return form.replace(
        lambda e: isinstance(e, ScaledCDF),
        lambda e: sp.exp(e.args[0]) * sp.Function("NormalCDF")(e.args[1]),
    )


def _needed(lines: Sequence[str]) -> Iterator[str]:
    """The functions that these lines use, and those that these use."""
    text = "\n".join(lines)
    wanted: list[str] = []
    for line in reversed(_FUNCTIONS):
        if re.search(rf"\b{line.split('(')[0]}\(", text + "\n".join(wanted)):
            wanted.insert(0, line)
    return iter(wanted)
