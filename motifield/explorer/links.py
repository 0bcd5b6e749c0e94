"""The state of a page as the query of its address, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from ..errors import ParameterError
from ..numbers import brief, fault
from .sliders import Slider

ALONG, SAMPLE, SHOWN = "along", "sample", "shown"
QUANTITIES = ("rate", "mean", "variance")
"""What of the populations is drawn."""
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class State:
    """Where the sliders stand, and what is shown beside.

    Args:
        values: of the sliders, in their order.
        along: the slider along which the bifurcation diagram is.
        sample: seed of the sampled network, None without one.
        shown: which quantity is drawn.
    """

    values: tuple[float, ...]
    along: str
    sample: int | None = None
    shown: str = QUANTITIES[0]


def start_of(sliders: Sequence[Slider]) -> State:
    """The network as it is given."""
    return State(tuple(own.start for own in sliders), sliders[0].name)


def query_of(state: State, sliders: Sequence[Slider]) -> str:
    """The query of a link, without its question mark; what stands as at the start is left out."""
    first = start_of(sliders)
    told = {
        own.name: repr(float(value))
        for own, value in zip(sliders, state.values, strict=True)
        if value != own.start
    }
    told |= {ALONG: state.along} if state.along != first.along else {}
    told |= {SHOWN: state.shown} if state.shown != first.shown else {}
    told |= {} if state.sample is None else {SAMPLE: str(state.sample)}
    return urlencode(told)


def state_of(told: Mapping[str, str], sliders: Sequence[Slider]) -> State:
    """The state that a link's query holds, decoded into names and texts.

    Raises:
        ParameterError: a name that is no slider, or a value that this cannot have.
    """
    first, known = start_of(sliders), {own.name: own for own in sliders}
    unknown = [name for name in told if name not in {*known, ALONG, SAMPLE, SHOWN}]
    if unknown:
        raise ParameterError(
            f"the link sets {brief(unknown[0])}, which is no slider here: there are "
            f"{', '.join(known)}"
        )
    values = [_value(told[own.name], own) if own.name in told else own.start for own in sliders]
    along, shown = told.get(ALONG, first.along), told.get(SHOWN, first.shown)
    for what, given, names in ((ALONG, along, known), (SHOWN, shown, QUANTITIES)):
        if given not in names:
            raise ParameterError(
                f"the link has {what} = {brief(given)}: there are {', '.join(names)}"
            )
    return State(tuple(values), along, _seed(told.get(SAMPLE)), shown)


def _value(text: str, own: Slider) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ParameterError(
            f"the link sets {own.name} to {brief(text)}, which is no number"
        ) from None
    if fault(value) or not own.low <= value <= own.high:
        raise ParameterError(
            f"the link sets {own.name} to {brief(text)}: it goes from {own.low:g} to {own.high:g}"
        )
    return value


def _seed(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= LARGEST_SEED):
        raise ParameterError(
            f"the link has sample = {brief(text)}: a seed is an integer from 0 to {LARGEST_SEED}"
        )
    return int(text)
