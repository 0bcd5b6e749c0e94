"""Numbers over the dimensions of a sweep: lines, maps, and several of them."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from ...errors import ParameterError
from ..continuation import BifurcationCurves, PhaseDiagram
from ..sweeps import Sweep
from .sweep_lines import lines
from .sweep_maps import curves_over, maps
from .sweep_shown import Shown, chosen, each_population


def sweep_picture(
    found: Sweep,
    variable: str | None = None,
    *,
    contours: Sequence[float] | bool = False,
    curves: BifurcationCurves | PhaseDiagram | None = None,
    populations: Sequence[str] | None = None,
) -> Figure:
    """A variable over the dimensions of a sweep.

    One dimension: a line per population, or dots for fixed points, filled where they are stable.
    Two: a map per population; whole numbers, such as counts of fixed points, and statuses have a
    colour each, other numbers a colour bar. Three: maps of one population at values of the third.
    Samples: dots over each parameter. Where no network has the statistics there are hatches.
    Dimensions with one value are named above.

    Args:
        found: of `sweep`.
        variable: a number per point, or one per population, or "status"; of all fixed points, with
            one dimension, one per fixed point too, and with more "attractors". By default the rates
            over one dimension, the number of attractors over more.
        contours: levels of contours on maps that have a colour bar; True: some.
        curves: bifurcations over the same two parameters, drawn on the maps.
        populations: by name; the first six by default.

    Raises:
        ParameterError: an unknown variable or population, a variable with more dimensions, more
            than three axes, contours or curves where there is no map for them.
    """
    shown = Shown.of(found)
    if len(shown.dims) > 3:
        raise ParameterError(
            f"a sweep of {len(shown.dims)} dimensions is drawn in parts: Sweep of "
            "result.dataset.isel(...) has fewer"
        )
    name = chosen(shown, variable)
    each, more = each_population(shown, name, populations)
    if len(shown.dims) == 1:
        if contours is not False or curves is not None:
            raise ParameterError("contours and curves are drawn on maps, over two parameters")
        figure = lines(shown, name, each)
    else:
        figure = maps(shown, name, each, contours, curves_over(shown, curves))
    notes = [text for text in (shown.held, more) if text]
    if notes:
        figure.suptitle("; ".join(notes), fontsize="medium")
    return figure
