"""Follow fixed points along a parameter: through folds, both ways, onto other branches."""

# The curve itself is followed by jaxcont's pseudo-arclength loop (`arclength`), which was compared
# with AUTO. Its own detection of special points does not serve: it has none for branch points, and
# its event loop compiles for every point. They are found and refined in `special_points`.

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from ..fixed_points import FixedPoints, fixed_points
from ..parameters import Parameters, Scalar, scalar
from ..system import System
from .along import along_of, check_bounds, prepared, starting_states
from .branch_search import BranchSearch
from .branches import Branches
from .steps import StepOptions, Steps


def follow(
    system: System,
    parameters: Parameters,
    name: str | Scalar,
    *,
    bounds: tuple[float, float],
    initial: Any = None,
    time: float = 0.0,
    progress: Callable[[str, float], None] | None = None,
    **steps: Unpack[StepOptions],
) -> Branches:
    """Branches of fixed points over one parameter, with folds, Hopf and branch points.

    Each fixed point to start from is followed in both directions, and branches that two of them
    share are kept once. Where another curve crosses, it is followed too. A branch that is not
    connected to any start is not seen. Statistics that no network can have are followed and marked
    (`feasible`), so are negative variances (`physical`).

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        name: of the parameter that varies, such as "tau_chn[E,E,I]", "factor(motifs)", "input[E]"
            or "N", or a `scalar`.
        bounds: its lowest and highest value; its own value must lie within.
        initial: one or several fixed points of `parameters`; by default all of `fixed_points`.
        time: when the inputs are held.
        progress: called with what is being done and the part, 0 to 1, that is done.
        steps: largest_step, the longest in arclength, states in units of their size and the
            parameter in units of the bounds' width, 0.02 by default, at which the branch is smooth
            in a picture; most_steps, of one branch in one direction, 600 by default.

    Returns:
        The branches and their special points. What could not be followed to its end is named in the
        status, and does not raise.

    Raises:
        ParameterError: unknown names or bad bounds.
        SolverError: there is no start, or one that is no fixed point.
        ArchitectureError: a closure of fixed points alone (`Cavity`).
    """
    chosen = Steps(**steps)  # a TypeError names what is no option
    own = prepared(
        system, parameters, time, "follow", "stability along a branch, or Hopf points", [name]
    )
    number = scalar(name, own)
    value = number.get(own)
    check_bounds(number.name, bounds, value)
    first = fixed_points(system, own) if initial is None else initial
    states = starting_states(system, own, first)
    along = along_of(system, own, (number,), (bounds,), states)
    say = progress or (lambda text, part: None)
    limits = (float(bounds[0]), float(bounds[1]))
    search = BranchSearch(system, along, number.name, limits, chosen)
    if isinstance(first, FixedPoints) and not first.status.ok:
        search.notes.append(f"of the fixed points to start from: {first.status}")
    for k, y in enumerate(states):
        say(f"fixed point {k + 1} of {len(states)}", k / len(states))
        search.both(along.point(y, [value]), f"fixed point at {number.name} = {value:g}")
    say("branch points", 0.9)
    return search.complete()
