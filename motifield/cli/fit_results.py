"""Everything that is computed from a fit: what is determined, checks, profiles, comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from ..errors import MotifieldError, SpecError
from .options import option
from .paths import Writes
from .terminal import Say, within

FOLDS = 5
"""Parts of the targets that cross-validation leaves out in turn: the usual compromise."""
WRITING = 0.9
"""Progress at which everything is computed, and files are written."""


@dataclass(frozen=True)
class Extra:
    """What is asked for beside the fit: sampled networks, a comparison, profiles, a posterior."""

    check: Annotated[
        int | None,
        option(
            "--check",
            min=2,
            metavar="NETWORKS",
            help="Sample this number of networks and test the fit's predictions on them.",
        ),
    ] = None
    size: Annotated[
        int | None,
        option(
            "--size",
            "-N",
            min=1,
            help="Neurons of the networks of --check; default: the spec's N.",
        ),
    ] = None
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Fit again without each class of free motifs: which do the targets need?",
        ),
    ] = False
    profile: Annotated[
        list[str] | None,
        option(
            "--profile",
            metavar="NAME",
            help="Profile of the loss over this number, all others adapting, as mean[E,I]; repeat "
            "for several.",
        ),
    ] = None
    posterior: Annotated[
        Path | None,
        option(
            "--posterior",
            metavar="FILE",
            help="Sample the posterior of the numbers by NUTS, and write the draws (.nc). For few "
            "numbers; needs the optional packages of motifield's extra `posterior`.",
        ),
        Writes((".nc",)),
    ] = None

    def __post_init__(self) -> None:
        if self.size is not None and self.check is None:
            raise SpecError("--size is that of networks of --check: give --check as well")

    @property
    def parts(self) -> int:
        """About how long it takes, in the time that the fit takes."""
        once = (self.check is not None) + len(self.profile or []) + (self.posterior is not None)
        return once + 3 * self.compare  # fits several models

    @property
    def fit(self) -> float:
        """Progress at which the fit itself is done."""
        return WRITING / (1 + self.parts)


class Results(NamedTuple):
    """Of `identifiability`, `confirm`, `compare`, `profile`, `posterior`; None: not asked for."""

    determined: Any
    checked: Any = None
    compared: Any = None
    profiled: Any = ()
    drawn: Any = None


def results_of(
    found: Any, section: Any, extra: Extra, say: Say
) -> tuple[Results, MotifieldError | None]:
    """What is asked for beside the fit, and the first error in computing it.

    The fit took long, and must not be lost to an error in what follows it.
    """
    from ..numerics.inference import identifiability

    say("what the targets determine", extra.fit)
    results = Results(identifiability(found))
    try:
        for changes in _steps(found, section, extra, say):
            earlier = results.profiled
            if "profiled" in changes:
                changes["profiled"] = (*earlier, changes["profiled"])
            results = results._replace(**changes)
    except MotifieldError as error:
        return results, error
    return results, None


def _steps(found: Any, section: Any, extra: Extra, say: Say) -> Any:
    """Each result that is asked for, by its name, one after the other."""
    from ..numerics.inference import compare, confirm, posterior, profile

    done = extra.fit

    def part(count: int = 1) -> Say:
        nonlocal done
        done += count * extra.fit
        return within(say, done - count * extra.fit, done)

    if extra.check is not None:
        checked = confirm(found, extra.check, extra.size, progress=part(), throw=False)
        yield {"checked": checked}
    for name in extra.profile or []:
        yield {"profiled": profile(found, name, progress=part())}
    if extra.posterior is not None:
        yield {"drawn": posterior(found, seed=section.seed, progress=part())}
    if extra.compare:
        count = int(found.problem.fitted.sum())
        options = {
            "folds": min(FOLDS, count) if count > 1 else None,
            "seed": section.seed,
            "solver": section.method(),
            "free_states": section.free_states,
        }
        yield {"compared": compare(found, progress=part(3), **options)}


def answer_of(title: str, found: Any, results: Results) -> dict[str, Any]:
    """Everything as plain data, for --json and for files."""
    answer = {"title": title, **found.json()}
    if found.problem.held_out.any():
        answer["held out loss"] = found.held_out_loss()
    if results.profiled:
        answer["profiles"] = [own.json() for own in results.profiled]
    if results.drawn is not None:
        drawn = results.drawn
        answer["posterior"] = {"status": drawn.status, "rows": drawn.rows()}
    answer |= {"stability": found.stability(), "determined": results.determined.json()}
    others = {"check": results.checked, "comparison": results.compared}
    return answer | {name: own.json() for name, own in others.items() if own is not None}
