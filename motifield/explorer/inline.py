"""The page inside of a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import SpecError
from ..numerics.parameters import Parameters
from ..numerics.precision import require_x64
from ..numerics.system import System
from .subject import subject_of

MISSING = "a page to explore needs Panel, which is not installed: pip install 'motifield[explore]'"


def require_panel() -> None:
    """Raise `SpecError` where the page's library is not installed."""
    try:
        import panel  # noqa: F401
    except ImportError:
        raise SpecError(MISSING) from None


def explore(
    system: System,
    parameters: Parameters,
    sliders: Mapping[str, tuple[float, float]] | None = None,
    *,
    initial: Any = None,
    t1: float = 50.0,
    title: str = "",
) -> Any:
    """Sliders, pictures and equations of a network, to play with in a notebook.

    A move shows fixed points with their stability, the time course, the distributions of rates and
    the spectrum at once; all fixed points, the bifurcation diagram along one slider, spectra with
    reciprocity and sampled networks come a moment later, and a later move cancels them. Where no
    network has the statistics, the page says why and over which range of the slider one has.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers, with which it begins.
        sliders: lowest and highest value by name, as `motifield.scalar` takes names, such as
            `{"factor(motifs)": (0, 4), "input[E]": (0, 2)}`; by default motifs, means, variances,
            inputs, parameters of transfer functions and N, as far as the network has them.
        initial, t1: where time courses begin and end, as `integrate` takes them.
        title: what stands above.

    Returns:
        A Panel object, which a notebook shows and `panel.serve` serves.

    Raises:
        SpecError: Panel is not installed: `pip install 'motifield[explore]'`.
        ArchitectureError: a closure of fixed points alone.
        ParameterError: parameters that do not fit; an unknown slider, or one whose range does not
            hold the network's own value.
    """
    require_x64()
    subject = subject_of(system, parameters, sliders, initial=initial, t1=float(t1), title=title)
    require_panel()
    import panel as pn

    from .jobs import Jobs
    from .later import first_shown
    from .page import Page

    if (document := pn.state.curdoc) is None:
        pn.extension(inline=True)  # nothing is loaded from elsewhere
    held: list[Any] = []  # the page, once it is made

    def schedule(function: Callable[[], None]) -> None:
        if document is not None:
            document.add_next_tick_callback(function)
        else:
            function()
            pn.io.push_notebook(*held)

    page = Page(subject, first_shown(subject), Jobs(), schedule)
    held += [page.view()]
    if document is None:
        for widget in (*page.sliders, page.along, page.shown):
            widget.param.watch(lambda event: pn.io.push_notebook(*held), "value")
    return held[0]
