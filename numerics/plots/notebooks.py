"""Figures in notebooks: ours are made without pyplot, which would keep them for ever."""

from __future__ import annotations

from matplotlib.figure import Figure

from ...progress import in_notebook


def show_figures() -> None:
    """Teach a running notebook to show figures as pictures, unless it has been told how.

    A notebook learns this from pyplot when pyplot makes its first figure; until then a figure is
    shown as the text of its size.
    """
    if not in_notebook():
        return
    from IPython import get_ipython
    from IPython.core.pylabtools import select_figure_formats

    shell = get_ipython()
    formatters = shell.display_formatter.formatters.values()
    if not any(Figure in formatter.type_printers for formatter in formatters):
        select_figure_formats(shell, ["png"])
