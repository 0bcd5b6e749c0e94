"""A network with chains against the same one typed into PyRates, and into SciPy.

    pip install -c constraints.txt -e '.[peers]'
    python benchmarks/peers.py

The E/I network of docs/theory.md, section 5, t = 0 to 20, the same tolerances everywhere: the first
answer of a process, again in the same process, and 1000 parameter sets. The numbers have to agree
to 1e-6 first. PyRates runs by its own verbs, `run` and `grid_search`, with NumPy and LSODA and with
JAX and diffrax, whichever is faster.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import _peers as peers
import jax
import jax.numpy as jnp
import numpy as np
from _timing import UNSET, Comparison, compare, compared, options, report, seconds

import motifield as mf

AGREE, MANY, REPEATS = 1e-6, 1000, 5
TRANSFER = "1 + erf((x - 3/2)/(4/5*sqrt(2)))"
INHIBITION = (0.8, 1.2)  # times the mean of synapses from I, over the parameter sets
SPEC = f"""
t1 = {peers.SAMPLES - 1}

[architecture]
populations = ["E", "I"]
transfer = "{TRANSFER}"
closure = "motif-only"

[parameters]
N = 1000
fractions = {{ E = 0.8, I = 0.2 }}
g = 0.2
input = 0.5
mean = {{ E = {{ E = 0.001, I = -0.004 }}, I = {{ E = 0.001, I = -0.004 }} }}

[parameters.motifs]
shared = 0.1
"""
SCRIPT = f"""
import jax
jax.config.update("jax_enable_x64", True)
import json
import numpy as np
import motifield as mf

system = mf.compile(mf.derive(mf.Architecture(["E", "I"], "{TRANSFER}"), mf.MotifOnly()))
par = mf.Parameters.of(
    populations=["E", "I"], N=1000, fractions=[0.8, 0.2], g=0.2, input=0.5,
    mean=[[0.001, -0.004]] * 2, motifs=mf.Motifs.shared(0.1),
)
found = mf.integrate(system, par, {peers.SAMPLES - 1}, saveat=np.arange({peers.SAMPLES}.0))
data = found.dataset
print(json.dumps(np.concatenate([data["mean"], data["kappa"]], axis=1).tolist()))
"""
OF_PEERS = {
    name: [sys.executable, str(Path(peers.__file__)), path]
    for name, path in {"PyRates, NumPy": "numpy", "PyRates, JAX": "jax", "SciPy": "scipy"}.items()
}


def agreed(name: str, ours: np.ndarray, theirs: np.ndarray) -> str:
    """The largest difference; more than allowed ends the benchmark."""
    worst = float(np.max(np.abs(np.asarray(ours) - np.asarray(theirs))))
    if not worst <= AGREE:
        raise SystemExit(f"{name}: the numbers differ by {worst:.2g}; nothing is compared")
    return f"{worst:.1e}"


def answer(arguments: list[str]) -> str:
    """What a process of its own prints; it has an empty cache."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    with tempfile.TemporaryDirectory() as cache:
        own = kept | {"MOTIFIELD_CACHE": cache}
        done = subprocess.run(arguments, env=own, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{arguments[:2]} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def first_answers(repeats: int) -> tuple[list[Comparison], dict]:
    """Processes of their own, in alternation: ours against PyRates with NumPy."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.toml"
        spec.write_text(SPEC)
        command = [
            str(Path(sys.executable).with_name("motifield")),
            "integrate",
            str(spec),
            "--json",
        ]
        processes = {"command": command, "script": [sys.executable, "-c", SCRIPT], **OF_PEERS}
        times: dict = {name: [] for name in processes}
        notes = {}
        for k in range(repeats):
            said = {}
            for name, arguments in list(processes.items())[:: 1 if k % 2 else -1]:
                start = time.perf_counter()
                said[name] = answer(arguments)
                times[name].append(time.perf_counter() - start)
            if k == 0:
                notes = _agreements(said)
    base = times["PyRates, NumPy"]
    results = [
        compared(f"first answer, {name}", times[name], base, 1.0, True)
        for name in ("command", "script")
    ]
    for name in ("PyRates, JAX", "SciPy"):
        notes[f"{name}: first answer, s"] = f"{median(times[name]):.2f}"
    return results, notes


def _agreements(said: dict[str, str]) -> dict:
    """Largest differences of the printed numbers."""
    read = {name: json.loads(text) for name, text in said.items()}
    end = read.pop("command")
    last = np.concatenate([end["mean"][-1], end["kappa"][-1]])
    ours = np.asarray(read.pop("script"))
    notes = {"command: largest difference": agreed("command", last, read["PyRates, NumPy"][-1])}
    return notes | {
        f"{name}: largest difference": agreed(name, ours, theirs) for name, theirs in read.items()
    }


class Ours:
    """The compiled network, its numbers, and those of all sets."""

    def __init__(self) -> None:
        architecture = mf.Architecture(["E", "I"], TRANSFER)
        self.system = mf.compile(mf.derive(architecture, mf.MotifOnly()))
        self.ts = np.arange(float(peers.SAMPLES))
        self.base = mf.Parameters.of(
            populations=["E", "I"],
            N=1000,
            fractions=[0.8, 0.2],
            g=0.2,
            input=0.5,
            mean=[[0.001, -0.004]] * 2,
            motifs=mf.Motifs.shared(0.1),
        )
        self.factors = np.linspace(*INHIBITION, MANY)
        solve = partial(
            mf.pure.trajectory, self.system, times=jnp.asarray(self.ts), **peers.TOLERANCES
        )
        self.pure = jax.jit(solve)
        self.many = jax.jit(jax.vmap(solve))

        def inhibited(factor):
            return self.base.replace(mean=self.base.mean * jnp.array([1.0, factor]))

        self.sets = jax.vmap(inhibited)(jnp.asarray(self.factors))

    def integrate(self) -> np.ndarray:
        """By the verb, (samples, states)."""
        data = mf.integrate(
            self.system, self.base, self.ts[-1], saveat=self.ts, **peers.TOLERANCES
        ).dataset
        return np.concatenate([data["mean"].values, data["kappa"].values], axis=1)

    def all_sets(self) -> np.ndarray:
        """(sets, samples, states)."""
        found = self.many(self.sets)
        return np.concatenate([found["mean"], found["kappa"]], axis=2)


def generated_function(made) -> Callable[[], np.ndarray]:
    """One trajectory by the function that PyRates generates with NumPy, passed to SciPy by hand."""
    from scipy.integrate import odeint

    field, arguments, *_ = made.get_run_func(
        "field",
        step_size=0.01,
        backend="default",
        solver="scipy",
        float_precision="float64",
        vectorize=False,
        verbose=False,
        in_place=False,
    )
    ts = np.arange(float(peers.SAMPLES))

    def solve() -> np.ndarray:
        given = {"args": tuple(arguments[2:]), "tfirst": True, **peers.TOLERANCES}
        return odeint(lambda t, y, *a: field(t, y, *a).copy(), np.zeros(4), ts, **given)

    return solve


def again(ours: Ours, made) -> tuple[list[Comparison], dict]:
    """One trajectory more in the same process."""
    by_verb = {path: partial(peers.run, made, path) for path in peers.PATHS}
    by_hand = generated_function(peers.circuit())  # making it changes the circuit
    reference, notes = ours.integrate(), {}
    others = {**by_verb, "generated function": by_hand, "SciPy": peers.by_scipy}
    for name, other in others.items():
        notes[f"{name}, again: largest difference"] = agreed(name, reference, other())
    times = {path: seconds(other) for path, other in by_verb.items()}
    notes |= {f"PyRates, {path}: again, s": f"{took:.3f}" for path, took in times.items()}
    fast = min(times, key=times.__getitem__)
    verb, pure = ours.integrate, lambda: ours.pure(ours.base)
    few = {"at_most": False, "calls": (10, 3), "repeats": REPEATS}
    return [
        compare(f"again, integrate and PyRates' run ({fast})", verb, by_verb[fast], 30, **few),
        compare("again, pure and PyRates' function by hand", pure, by_hand, 30, **few),
        compare("again, pure and SciPy", pure, peers.by_scipy, 1, **few),
    ], notes


def batched(ours: Ours, made) -> tuple[list[Comparison], dict]:
    """Parameter sets with more and with less inhibition."""
    cI = peers.NUMBERS["cI"] * ours.factors
    by_verb = {path: partial(peers.run_sets, made, path, {"cI": cI}) for path in peers.PATHS}

    def loop() -> np.ndarray:
        return np.stack([peers.by_scipy(cI=value) for value in cI], axis=1)

    reference, notes = np.swapaxes(ours.all_sets(), 0, 1), {}
    times: dict = {name: ([], []) for name in (*by_verb, "SciPy")}
    for name, other in (by_verb | {"SciPy": loop}).items():
        for _ in range(REPEATS if other is loop else 1):  # the others take a minute
            start = time.perf_counter()
            found = other()
            times[name][1].append(time.perf_counter() - start)
            times[name][0].append(seconds(ours.all_sets, 3))
        notes[f"{name}, {MANY} sets: largest difference"] = agreed(name, reference, found)
        notes[f"{name}, {MANY} sets, s"] = f"{median(times[name][1]):.2f}"
    fast = min(peers.PATHS, key=lambda path: median(times[path][1]))
    return [
        compared(f"{MANY} sets, vmap and grid_search ({fast})", *times[fast], 100, False),
        compared(f"{MANY} sets, vmap and a SciPy loop", *times["SciPy"], 1, False),
    ], notes


def main() -> None:
    """Print the tables; without PyRates, how to get it."""
    count = {"type": int, "default": 5, "help": "processes of each kind (default 5)"}
    given = options(__doc__, repeats=count)
    if find_spec("pyrates") is None:
        raise SystemExit("PyRates is not there: pip install -c constraints.txt -e '.[peers]'")
    results, notes = first_answers(given.repeats)
    ours, made = Ours(), peers.circuit()
    for part in (again, batched):
        rows, said = part(ours, made)
        results += rows
        notes |= said
    report("Against PyRates and SciPy", ("ours", "other"), results, notes, given.json)


if __name__ == "__main__":
    main()
