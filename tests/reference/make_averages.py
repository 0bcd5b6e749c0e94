"""Makes averages.json: Gaussian averages of functions, and what Stein's lemma says of their
derivatives.

From the functions alone, in mpmath with 30 digits, and without the library: <f>, <f'> = <f z> / s,
<f''> = <f (z^2 - 1)> / s^2 with z = (x - mu) / s and s the standard deviation, and <f^2>. At the
smallest variance Stein's lemma loses 12 digits of the 30.

    python tests/reference/make_averages.py
"""

import json
from pathlib import Path

import mpmath

mpmath.mp.dps = 30

POINTS = [(0.73, 0.4), (-1.9, 2.3), (3.1, 9.7), (-6.2, 0.8), (0.31, 1e-6), (1.4, 250.0)]
SEVENTH, THIRD = mpmath.mpf(1) / 7, mpmath.mpf(1) / 3
REACH = 13  # standard deviations: beyond, the normal density is below 1e-37

# By the name or the expression that the library reads: the same in mpmath, and where it bends or is
# steep.
FUNCTIONS = {
    "rectified_linear": (lambda x: max(x, 0), (0,)),
    "rectified_power": (lambda x: max(x, 0) ** 2, (0,)),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), (0,)),
    "tanh": (mpmath.tanh, (0,)),
    "erf": (mpmath.erf, (0,)),
    "naka_rushton": (lambda x: x**2 / (1 + x**2) if x > 0 else mpmath.mpf(0), (0,)),
    "Max(x - 1/3, 0)*tanh(x)": (lambda x: max(x - THIRD, 0) * mpmath.tanh(x), (THIRD,)),
    "1/(1 + exp(-50*(x - 1/7)))": (
        lambda x: 1 / (1 + mpmath.exp(-50 * (x - SEVENTH))),
        [SEVENTH + k * mpmath.mpf("0.1") for k in range(-10, 11)],
    ),
    "Min(Max(x + 1, 0), 2)": (lambda x: min(max(x + 1, 0), 2), (-1, 1)),
    "Heaviside(x - 1)*x": (lambda x: x if x >= 1 else mpmath.mpf(0), (1,)),
}


def average(f, bends, mu, variance):
    """<f>, with panels that end where f bends, and finer ones around there where the bell is wider
    than f.
    """
    mu, s = mpmath.mpf(mu), mpmath.sqrt(mpmath.mpf(variance))
    fine = [b + k for b in bends for k in range(-6, 7)] if s > 1 else bends
    places = {mpmath.mpf(k) for k in range(-REACH, REACH + 1)} | {(b - mu) / s for b in fine}
    grid = sorted(z for z in places if abs(z) <= REACH)
    return mpmath.quad(lambda z: f(mu + s * z, z) * mpmath.npdf(z), grid)


def rows():
    for text, (f, bends) in FUNCTIONS.items():
        for mu, variance in POINTS:
            s = mpmath.sqrt(mpmath.mpf(variance))
            found = {
                "mean": average(lambda x, z, f=f: f(x), bends, mu, variance),
                "second_moment": average(lambda x, z, f=f: f(x) ** 2, bends, mu, variance),
                "mean_derivative": average(lambda x, z, f=f: f(x) * z, bends, mu, variance) / s,
                "mean_curvature": average(lambda x, z, f=f: f(x) * (z * z - 1), bends, mu, variance)
                / s**2,
            }
            at = {"expression": text, "mu": mu, "variance": variance}
            yield at | {name: float(value) for name, value in found.items()}


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(row) for row in rows())
    Path(__file__).with_name("averages.json").write_text(f"[\n{lines}\n]\n")
