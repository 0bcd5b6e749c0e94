"""Whether `fixed_points` finds what an exhaustive search finds, in any units, and beside folds.

Random networks of one and two populations with chains: the set against plain Newton iterations from
thousands of starts, and against the sets of the same networks in units of 1e-10 and of 1e10.
Networks without variance 1e-12 to 1e-8 beside a fold, on both sides: two points there, or none.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from _timing import options, say
from scipy.special import expit

import motifield as mf
from motifield.numerics.system import Autonomous

SHAPES: dict = {  # phi as an expression; phi and its slope in NumPy, where folds are looked for
    "tanh": ("tanh({x})", np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "logistic": ("2/(1 + exp(-3*{x}))", lambda x: 2 * expit(3 * x), lambda x: 6 * both(3 * x)),
    "erf": ("1 + erf({x} - 1)", None, None),
    "softplus": ("log(1 + exp({x}))", lambda x: np.logaddexp(0, x), expit),
    "line": ("Max({x}, 0)", None, None),
    "parabola": ("Max({x}, 0)**2/4", lambda x: np.maximum(x, 0) ** 2 / 4, lambda x: x.clip(0) / 2),
}
UNITS = (1e-10, 1e10)
STARTS, STEPS, WIDTH = 4096, 60, 30.0  # of the exhaustive search: starts, steps, largest |mean|
SAME = 1e-6  # relative to the states: one point
STEP = 1e-4  # of finite differences


def both(x: np.ndarray) -> np.ndarray:
    """The slope of the logistic function."""
    return expit(x) * expit(-x)


def system_of(shape: str, P: int, unit: float = 1.0) -> mf.types.System:
    """The equations for P populations with the transfer function unit * phi(x / unit)."""
    text = f"{unit!r}*({SHAPES[shape][0].format(x=f'(x/{unit!r})')})"
    architecture = mf.Architecture(populations=["E", "I"][:P], transfer=text)
    return mf.compile(mf.derive(architecture, mf.MotifOnly()))


def parameters_of(coupling, drive, g=0.0, tau=0.0) -> mf.Parameters:
    """Networks of 1000 neurons per population; coupling is N alpha Jbar."""
    P = len(drive)
    return mf.Parameters.of(
        populations=["E", "I"][:P],
        N=1000 * P,
        fractions=[1 / P] * P,
        mean=np.asarray(coupling) / 1000,
        g=g,
        motifs=mf.Motifs.shared(tau),
        input=drive,
    )


def random_parameters(P: int, rng: np.random.Generator) -> tuple:
    """Coupling, input, g and the motifs' coefficient: from one to some fixed points."""
    if P == 1:
        coupling = rng.uniform(-2, 4, (1, 1))
    else:
        coupling = rng.uniform(0.5, 5, (2, 2)) * [[1, -1], [1, -1]]
    return coupling, rng.uniform(-2, 2, P), rng.uniform(0.05, 0.4), rng.uniform(0, 0.1)


@eqx.filter_jit
def newton(model: Autonomous, parameters: mf.Parameters, starts):
    """Ends of plain Newton iterations, and the last steps relative to them."""
    field = model.bind(parameters)

    def from_one(y):
        def step(_, carry):
            y, _ = carry
            change = jnp.linalg.solve(jax.jacfwd(field)(y), field(y))
            return y - change, change

        return jax.lax.fori_loop(0, STEPS, step, (y, jnp.ones_like(y)))

    ends, changes = jax.vmap(from_one)(starts)
    return ends, jnp.max(jnp.abs(changes) / (1 + jnp.abs(ends)), axis=1)


def exhaustive(
    model: Autonomous, parameters: mf.Parameters, rng: np.random.Generator
) -> list[np.ndarray]:
    """All distinct ends, with states whose variance is not negative."""
    n = model.size
    wide = WIDTH * rng.uniform(-1, 1, (STARTS, n)) ** 3
    ends, steps = newton(model, parameters, jnp.asarray(wide))
    there = np.flatnonzero(np.asarray(steps) < 1e-10)
    found: list[np.ndarray] = []
    for y in np.asarray(ends)[there]:
        if not any(np.all(np.abs(y - v) < SAME * (1 + np.abs(v))) for v in found):
            found.append(y)
    variances = (model.observables(jnp.asarray(y), parameters)["variance"] for y in found)
    kept = zip(found, variances, strict=True)
    return [y for y, variance in kept if float(jnp.min(variance)) > -1e-9]


def states(found: mf.types.FixedPoints, model: Autonomous) -> list[np.ndarray]:
    """The points as vectors."""
    return [np.asarray(model.flat(p.state)) for p in found]


def missing(these: list[np.ndarray], those: list[np.ndarray]) -> int:
    """How many of these are not among those."""
    far = (
        not any(np.all(np.abs(y - v) < 1e2 * SAME * (1 + np.abs(y))) for v in those) for y in these
    )
    return sum(far)


def random_networks(shape: str, P: int, sets: int, rng: np.random.Generator) -> Counter:
    """How the sets of points differ from the exhaustive search's, and between units."""
    system = system_of(shape, P)
    scaled = [(unit, system_of(shape, P, unit)) for unit in UNITS]
    seen: Counter = Counter()
    for _ in range(sets):
        coupling, drive, g, tau = random_parameters(P, rng)
        own = parameters_of(coupling, drive, g, tau)
        model = Autonomous(system, P, jnp.asarray(0.0))
        found, every = mf.fixed_points(system, own, throw=False), exhaustive(model, own, rng)
        y = states(found, model)
        lost = missing(every, y)
        seen["networks"] += 1
        seen["points"] += len(found)
        seen[f"of {len(found)}"] += 1
        seen["missed, called complete" if found.status == "ok" else "missed, said so"] += lost
        seen["beyond the exhaustive search"] += missing(y, every)
        seen["residuals above 1e-9"] += sum(p.residual > 1e-9 for p in found)
        seen["not ok"] += found.status != "ok" and len(found) > 0
        for unit, other in scaled:
            its = mf.fixed_points(other, parameters_of(coupling, unit * drive, g, tau), throw=False)
            other_model = Autonomous(other, P, jnp.asarray(0.0))
            theirs = [v / unit for v in states(its, other_model)]
            differ = len(its) != len(found) or missing(y, theirs) > 0
            seen[f"other in units of {unit:g}"] += differ
            seen[f"status other in units of {unit:g}"] += its.status.code != found.status.code
    return seen


def folds(P: int, shape: str, rng: np.random.Generator) -> Iterator[tuple]:
    """Coupling, input at a fold, the direction of inputs across it, and the state there.

    The last coupling is what makes 1 - J phi' singular; two points are where the equation of the
    mode, left . (d input + J phi'' v^2 / 2) = 0, has solutions.
    """
    _, phi, slope_of = SHAPES[shape]
    low, high = (0.3, 3.0) if shape == "parabola" else (-1.5, 1.5)
    while True:
        x = rng.uniform(low, high, P)
        slope = slope_of(x)
        bend = (phi(x + STEP) - 2 * phi(x) + phi(x - STEP)) / STEP**2
        coupling = rng.uniform(0.5, 4, (P, P)) * ([[1, -1], [1, -1]] if P == 2 else 1)
        if P == 1:
            coupling = np.array([[1 / slope[0]]])
        else:
            (a, b), (c, _) = coupling * slope[None, :]
            coupling[1, 1] = (1 - b * c / (1 - a)) / slope[1]
        if np.abs(coupling).max() > 20 or np.abs(bend).min() < 0.1:
            continue
        U, _, V = np.linalg.svd(np.eye(P) - coupling * slope[None, :])
        left, right = U[:, -1], V[-1]
        curvature = left @ (coupling @ (bend * right**2)) / 2
        if abs(curvature) < 0.05:
            continue
        yield coupling, x - coupling @ phi(x), -left * np.sign(curvature), x, abs(curvature)


def beside_folds(shape: str, P: int, sets: int, rng: np.random.Generator) -> Counter:
    """Answers on both sides of folds: two points there, none, or undecided."""
    system, seen = system_of(shape, P), Counter()
    for coupling, drive, towards, x, curvature in islice(folds(P, shape, rng), sets):
        distance = 10 ** rng.uniform(-12, -8)
        reach = 20 * np.sqrt(distance / curvature)
        for side, expected in ((1, 2), (-1, 0)):
            own = parameters_of(coupling, drive + side * distance * towards)
            found = mf.fixed_points(system, own, throw=False)
            near = sum(
                np.all(np.abs(p.dataset["mean"].values - x) < reach * (1 + np.abs(x)))
                for p in found
            )
            name = "two" if expected else "none"
            if found.status == "ok" or str(found.status).startswith("none found"):
                right = near == expected
                seen[f"side of {name}: {'right' if right else 'WRONG and called complete'}"] += 1
            else:
                extra = near > expected
                seen[f"side of {name}: {'INVENTED' if extra else found.status.code.value}"] += 1
    return seen


def main() -> None:
    """Print a line per transfer function and number of populations, and the sums."""
    size = {"type": int, "default": 25, "help": "random networks of each kind (default 25)"}
    near = {"type": int, "default": 10, "help": "folds of each kind (default 10)"}
    given = options(__doc__, sets=size, folds=near)
    total, at_folds = Counter(), Counter()
    for k, shape in enumerate(SHAPES):
        for P in (1, 2):
            rng = np.random.default_rng([k, P])
            found = random_networks(shape, P, given.sets, rng) if given.sets else Counter()
            total.update(found)
            say({"random networks": f"{shape}, P = {P}", **found}, given.json)
            if SHAPES[shape][1] and given.folds:
                found = beside_folds(shape, P, given.folds, rng)
                at_folds.update(found)
                say({"beside folds": f"{shape}, P = {P}", **found}, given.json)
    say({"all random networks": "", **total}, given.json)
    say({"all folds": "", **at_folds}, given.json)
    wrong = [total["missed, called complete"]]
    wrong += [n for name, n in at_folds.items() if "WRONG" in name or "INVENTED" in name]
    wrong += [n for name, n in total.items() if name.startswith("other in units")]
    if any(wrong):
        raise SystemExit("sets differ")


if __name__ == "__main__":
    main()
