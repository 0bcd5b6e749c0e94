"""Gaussian averages: finding closed forms, and evaluating them a million times.

The search for a closed form against the time allowed, with SymPy's integral of the same function as
a note; generated code against JAX written by hand, in averages per second.
"""

import math
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from _timing import Comparison, compare, options, report, within

import motifield as mf
from motifield.errors import NoClosedFormError
from motifield.theory import averages
from motifield.theory.architecture import LIBRARY, transfer
from motifield.theory.expressions import X

ALLOWED, PATIENCE = 0.2, 20  # seconds: for a closed form of ours, for SymPy's
PAIRS = 1_000_000
FURTHER = ("x**3*exp(x)*Phi(2*x - 1)", "Max(x, 0)**4")
MU, DELTA = sp.Symbol("mu", real=True), sp.Symbol("Delta", positive=True)

# In a process of its own, because a search that does not end can only be killed. Prints the time
# and the value at a point.
SYMPY = """
import signal, sys, time
import sympy as sp
x, mu = sp.symbols("x mu", real=True)
Delta = sp.Symbol("Delta", positive=True)
f = sp.sympify(sys.argv[1], locals={"x": x})
signal.alarm(int(sys.argv[2]))
start = time.perf_counter()
density = sp.exp(-(x - mu)**2 / (2 * Delta)) / sp.sqrt(2 * sp.pi * Delta)
form = sp.integrate(f * density, (x, -sp.oo, sp.oo))
took = time.perf_counter() - start
signal.alarm(0)
at = form.subs({mu: sp.Rational(3, 10), Delta: sp.Rational(7, 10)})
value = "gave up" if form.has(sp.Integral) else float(sp.re(sp.N(at)))
print(took, value, sep=";")
"""


def closed(f: sp.Expr) -> sp.Expr:
    """The closed form, found afresh, without anything that a cache holds."""
    for name, module in list(sys.modules.items()):
        for value in vars(module).values() if name.startswith(averages.__name__) else ():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
    sp.core.cache.clear_cache()
    return averages.GaussianAverage(f, MU, DELTA).closed_form()


def closed_forms_found(repeats: int = 7) -> tuple[list[Comparison], dict[str, str]]:
    """Our times against the time allowed, and what SymPy does with the same integral."""
    results, notes = [], {}
    functions = {
        transfer.of(name).with_defaults: name for name in (*FURTHER, *reversed(LIBRARY))
    }  # each once
    for f, name in reversed(functions.items()):
        try:
            form = closed(f)
        except NoClosedFormError:
            continue
        results.append(
            within(f"closed form of {name}", lambda f=f: closed(f), ALLOWED, repeats=repeats)
        )
        notes[f"SymPy's integrate, {name}"] = by_sympy(f, float(form.subs({MU: 0.3, DELTA: 0.7})))
    return results, notes


def by_sympy(f: sp.Expr, expected: float) -> str:
    """What became of SymPy's integral: its time and whether the value is right."""
    plain = str(f.xreplace({X: sp.Symbol("x")}))
    done = subprocess.run(
        [sys.executable, "-c", SYMPY, plain, str(PATIENCE)],
        capture_output=True,
        text=True,
        timeout=6 * PATIENCE,
    )
    if done.returncode == -signal.SIGALRM:
        return f"unfinished after {PATIENCE} s"
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1][:60]}"
    took, value = done.stdout.strip().split(";")
    verdict = (
        value
        if value == "gave up"
        else "right"
        if math.isclose(float(value), expected, rel_tol=1e-8)
        else "WRONG"
    )
    return f"{verdict} after {float(took):.2g} s"


def by_hand() -> dict[str, tuple[str, dict[str, Any], Callable]]:
    """Closed forms as one writes them down."""

    def density(z):
        return jnp.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

    def cdf(z):
        return 0.5 * jax.lax.erfc(-z / math.sqrt(2))

    def rectified(mu, Delta):
        s = jnp.sqrt(Delta)
        return mu * cdf(mu / s) + s * density(mu / s)

    def rectified_square(mu, Delta):
        s = jnp.sqrt(Delta)
        return (mu * mu + Delta) * cdf(mu / s) + mu * s * density(mu / s)

    return {
        "erf": ("erf", {}, lambda mu, Delta: jax.lax.erf(mu / jnp.sqrt(1 + 2 * Delta))),
        "rectified_linear": ("rectified_linear", {}, rectified),
        "rectified_power(2)": ("rectified_power", {"n": 2}, rectified_square),
        "exponential": ("exponential", {}, lambda mu, Delta: jnp.exp(mu + 0.5 * Delta)),
    }


def gauss_hermite(function: Callable, nodes: int = 80) -> Callable:
    """The rule that one writes by hand."""
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = w / w.sum()
    return lambda mu, Delta: jnp.sum(w * function(mu[:, None] + jnp.sqrt(Delta)[:, None] * z), -1)


def throughput(mu: jax.Array, Delta: jax.Array) -> tuple[list[Comparison], dict[str, str]]:
    """Generated code against code by hand, a million means and variances per call."""
    results, notes = [], {}
    for name, (function, parameters, formula) in by_hand().items():
        generated = mf.average(function, 0.0, 1.0, parameters=parameters)
        assert generated.is_closed
        ours, other = jax.jit(generated.average), jax.jit(formula)
        a, b = ours(mu, Delta), other(mu, Delta)
        notes[f"{name}, largest relative difference to by hand"] = (
            f"{float(jnp.max(jnp.abs(a - b) / (1 + jnp.abs(b)))):.1e}"
        )
        results.append(
            compare(
                f"{name}, closed form",
                lambda f=ours: f(mu, Delta),
                lambda f=other: f(mu, Delta),
                3,
                at_most=True,
            )
        )
    ours = jax.jit(mf.average("tanh", 0.0, 1.0, tolerance=1e-9).average)
    hermite = jax.jit(gauss_hermite(jnp.tanh))
    results.append(
        compare(
            "tanh, quadrature 1e-9 / Gauss-Hermite 80",
            lambda: ours(mu, Delta),
            lambda: hermite(mu, Delta),
            2,
            at_most=True,
            repeats=7,
        )
    )
    precise = mf.average("tanh", mu, Delta, tolerance=1e-13).values
    errors = {
        "ours": np.abs(np.asarray(ours(mu, Delta)) - precise),
        "Gauss-Hermite": np.abs(np.asarray(hermite(mu, Delta)) - precise),
    }
    for low, high in ((0, 0.5), (0.5, 1), (1, 2), (2, 4)):
        inside = (np.asarray(Delta) > low) & (np.asarray(Delta) <= high)
        worst = ", ".join(f"{side} {np.max(error[inside]):.1e}" for side, error in errors.items())
        notes[f"tanh, largest error for {low} < Delta <= {high}"] = worst
    return results, notes


def main() -> None:
    given = options(__doc__)
    a, b = jax.random.split(jax.random.key(0))
    mu, Delta = 2 * jax.random.normal(a, PAIRS), 4 * (1 - jax.random.uniform(b, PAIRS))
    found, finding = closed_forms_found()
    made, making = throughput(mu, Delta)
    title = (
        f"Gaussian averages: closed forms / {ALLOWED} s; generated code / by hand, "
        f"{PAIRS} means and variances"
    )
    report(title, ("ours", "other"), [*found, *made], finding | making, given.json)


if __name__ == "__main__":
    main()
