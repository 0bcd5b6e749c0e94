"""Calls of verbs and results that have, or do not have yet, their new form; goes when all have."""

from __future__ import annotations

import inspect
from typing import Any

OLD = {"initial": ("start", "x0"), "throw": ()}


def call(verb: Any, *arguments: Any, **options: Any) -> Any:
    known = inspect.signature(verb).parameters
    for name, earlier in OLD.items():
        if name in options and name not in known:
            value = options.pop(name)
            options |= {other: value for other in earlier if other in known}
    return verb(*arguments, **options)


class Old:
    def __init__(self, own: Any):
        self.own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    @property
    def dataset(self) -> Any:
        if hasattr(self.own, "data_vars"):
            return self.own
        found = self.own.dataset
        return found() if callable(found) else found

    @property
    def status(self) -> Any:
        return self.own.attrs["status"] if hasattr(self.own, "data_vars") else self.own.status

    def save(self, path: Any) -> None:
        from ..numerics.results import save_dataset

        save_dataset(self.dataset, path)

    def json(self) -> Any:
        if hasattr(self.own, "data_vars"):
            return {"status": self.status, **{n: v.values for n, v in self.own.variables.items()}}
        return self.own.json()


def new(result: Any) -> Any:
    from ..numerics.results import Result

    return result if isinstance(result, Result) else Old(result)


INPUTS = ("input", "transfer", "membrane", "synapse", "in_strength", "spread", "noise")


def against(verb: Any, system: Any, network: Any, parameters: Any, **options: Any) -> Any:
    if "parameters" in inspect.signature(verb).parameters:
        return new(call(verb, system, network, parameters, **options))
    own = {name: getattr(parameters, name) for name in INPUTS}
    return new(call(verb, system, network, **own, **options))


def spectra_of(verb: Any, system: Any, network: Any, parameters: Any, answer: Any) -> Any:
    first = answer.point.dataset["mean"].values
    own = parameters.rescaled(network.N)
    answer = getattr(answer, "own", answer)
    if next(iter(inspect.signature(verb).parameters)) == "system":
        return (
            {"connectivity": verb(None, network, predicted=answer)},
            lambda: verb(system, network, own, initial=first, predicted=answer, throw=False),
        )
    return (
        {"connectivity": verb(network, predicted=answer)},
        lambda: verb(network, system, own, x=first, predicted=answer),
    )


def simulated(verb: Any, system: Any, loaded: Any, network: Any, t1: Any, seed: Any, say: Any):
    parameters = loaded.numbers()
    initial = loaded.initial.get("mean", 0.0)
    if "system" in inspect.signature(verb).parameters:
        options = {"t1": t1, "seed": seed, "initial": initial, "throw": False, "progress": say}
        return new(verb(system, network, parameters, **options))
    from jax.tree_util import Partial

    from ..numerics.system import Units

    own = {name: getattr(parameters, name) for name in ("input", "in_strength", "spread")}
    return new(
        verb(
            network,
            Partial(system.transfer, parameters=parameters),
            units=Units.of(loaded.architecture, parameters),
            t1=t1,
            seed=seed,
            x0=initial,
            progress=lambda done: say("simulating", done),
            **own,
        )
    )


def save_document(derivation: Any, output: Any, level: str, **options: Any) -> None:
    save = getattr(derivation, "save", None) or derivation.write
    save(output, level, **options)


def save_code(mean_field: Any, loaded: Any, output: Any) -> None:
    from ..numerics import system

    needs = output.suffix == ".ode"
    initial = loaded.initial or None
    save = getattr(system, "save_code", None) or getattr(system, "save", None) or system.write
    save(mean_field, loaded.numbers() if needs else None, output, initial=initial)


def posterior_rows(drawn: Any) -> Any:
    from ..numerics.results import Result

    if isinstance(drawn, Result):
        return drawn.rows()
    from ..numerics.inference import summary

    return summary(drawn.own)


def picture(result: Any, drawing: Any) -> Any:
    from ..numerics.plots import dmft_courses, draw_result, trajectories

    own = getattr(result, "own", result)
    if hasattr(own, "data_vars"):
        return (dmft_courses if "covariance" in own else trajectories)(own)
    return draw_result(own, **drawing)
