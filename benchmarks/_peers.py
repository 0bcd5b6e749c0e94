"""The E/I network of peers.py typed into PyRates, and into Python for SciPy, as users would.

python benchmarks/_peers.py numpy     # or jax, scipy: the first answer of a process
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from typing import Any

import numpy as np

# 1000 neurons, four fifths E; means of synapses .001 from E and -.004 from I, g = .2, tau = .1
NUMBERS = {
    "aE": 0.8,
    "aI": 0.2,
    "cE": 0.8,  # N alpha_E mean
    "cI": 0.8,  # -N alpha_I mean
    "chain": 4.0,  # N g^2 tau
    "inp": 0.5,
}
STATES = ("KE", "KI", "kE", "kI")
EQUATIONS = [
    "D = chain*(kE + kI)^2",
    "zE = (KE - 1.5)/sqrt(0.64 + D)",
    "zI = (KI - 1.5)/sqrt(0.64 + D)",
    "RE = 1.0 + erf(zE/sqrt(2.0))",
    "RI = 1.0 + erf(zI/sqrt(2.0))",
    "GE = sqrt(2.0/pi)*exp(-0.5*zE^2)/sqrt(0.64 + D)",
    "GI = sqrt(2.0/pi)*exp(-0.5*zI^2)/sqrt(0.64 + D)",
    "KE' = -KE + cE*RE - cI*RI + chain*(kE + kI)*(aE*GE + aI*GI) + inp",
    "KI' = -KI + cE*RE - cI*RI + chain*(kE + kI)*(aE*GE + aI*GI) + inp",
    "kE' = -kE + aE*RE",
    "kI' = -kI + aI*RI",
]
HELPERS = ("D", "zE", "zI", "RE", "RI", "GE", "GI")
END, SAMPLES = 20.0, 20  # PyRates samples at 0, 1, ..., 19
TOLERANCES = {"rtol": 1e-8, "atol": 1e-10}
PATHS = {
    "numpy": {"backend": "default", "solver": "scipy", "method": "LSODA"},
    "jax": {"backend": "jax", "solver": "diffrax"},
}
OPTIONS: dict = {
    "step_size": 0.01,
    "sampling_step_size": 1.0,
    "outputs": {name: f"net/chains/{name}" for name in STATES},
    "float_precision": "float64",
    "verbose": False,
    **TOLERANCES,
}


def circuit() -> Any:
    """The network in PyRates, which has to be told of erf."""
    from pyrates import CircuitTemplate, NodeTemplate, OperatorTemplate
    from pyrates.backend.base.base_funcs import base_funcs
    from scipy.special import erf

    base_funcs["erf"] = {"call": "erf", "func": erf, "imports": ["scipy.special.erf"]}
    try:
        from pyrates.backend.jax.jax_funcs import jax_funcs

        jax_funcs["erf"] = base_funcs["erf"] | {"imports": ["jax.scipy.special.erf"]}
    except ImportError:
        pass
    variables = {"KE": "output(0.0)"} | dict.fromkeys((*STATES[1:], *HELPERS), "variable(0.0)")
    equations = OperatorTemplate(
        name="chains", path=None, equations=EQUATIONS, variables=variables | NUMBERS
    )
    node = NodeTemplate(name="net", path=None, operators=[equations])
    return CircuitTemplate(name="ei", path=None, nodes={"net": node})


def run(made: Any, path: str) -> np.ndarray:
    """One trajectory by PyRates' own verb, (samples, states)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it hands all options to SciPy
        found = made.run(END, vectorize=False, in_place=False, **PATHS[path], **OPTIONS)
    return np.stack([found[name].to_numpy().ravel() for name in STATES], axis=1)


def run_sets(made: Any, path: str, sets: dict[str, np.ndarray]) -> np.ndarray:
    """A trajectory for each value in the sets, by PyRates' own verb, (samples, sets, states)."""
    from pyrates import grid_search

    places = {name: {"vars": [f"chains/{name}"], "nodes": ["net"]} for name in sets}
    given = {**PATHS[path], **OPTIONS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, _ = grid_search(made, sets, places, simulation_time=END, **given)
    return np.stack([found[name].to_numpy() for name in STATES], axis=2)


def field(_: float, y: Any, cE: float, cI: float, chain: float, inp: float) -> list[float]:
    """The same equations in plain Python, which is faster than NumPy for four numbers."""
    KE, KI, kE, kI = y
    width = math.sqrt(0.64 + chain * (kE + kI) ** 2)
    zE, zI = (KE - 1.5) / width, (KI - 1.5) / width
    RE, RI = 1 + math.erf(zE / math.sqrt(2)), 1 + math.erf(zI / math.sqrt(2))
    G = 0.8 * math.exp(-0.5 * zE * zE) + 0.2 * math.exp(-0.5 * zI * zI)
    passed = chain * (kE + kI) * math.sqrt(2 / math.pi) * G / width
    recurrent = cE * RE - cI * RI + passed + inp
    return [recurrent - KE, recurrent - KI, 0.8 * RE - kE, 0.2 * RI - kI]


def by_scipy(**other: float) -> np.ndarray:
    """One trajectory by SciPy's LSODA, (samples, states)."""
    from scipy.integrate import odeint

    own = tuple((NUMBERS | other)[name] for name in ("cE", "cI", "chain", "inp"))
    ts = np.arange(float(SAMPLES))
    return odeint(field, np.zeros(4), ts, args=own, tfirst=True, **TOLERANCES)


if __name__ == "__main__":
    chosen = sys.argv[1]
    answer = by_scipy() if chosen == "scipy" else run(circuit(), chosen)
    print(json.dumps(answer.tolist()))
