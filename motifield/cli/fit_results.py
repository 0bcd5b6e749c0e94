"""Everything that is computed from a fit: what is determined, checks, profiles, comparisons."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import MotifieldError
from .terminal import Say, within

FOLDS = 5
"""Parts of the targets that cross-validation leaves out in turn: the usual compromise."""
WRITING = 0.9
"""Progress at which everything is computed, and files are written."""


class Extra(NamedTuple):
    """What is asked for beside the fit: sampled networks, profiles, a posterior, a comparison."""

    networks: int | None
    size: int | None
    profiles: tuple[str, ...]
    posterior: bool
    compare: bool

    @property
    def parts(self) -> int:
        """About how long it takes, in the time that the fit takes."""
        once = (self.networks is not None) + len(self.profiles) + self.posterior
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

    if extra.networks is not None:
        checked = confirm(found, extra.networks, extra.size, progress=part(), throw=False)
        yield {"checked": checked}
    for name in extra.profiles:
        yield {"profiled": profile(found, name, progress=part())}
    if extra.posterior:
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
