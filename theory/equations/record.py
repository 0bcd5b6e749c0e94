"""The record of a derivation.

`Record.apply` runs a rule and writes down what went in and what came out, so that the record is
what the program did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp


@dataclass(frozen=True)
class Step:
    """One step: what was done, why it holds, and the expression before and after.

    Args:
        section: The part of the derivation.
        title: Of the step.
        reason: Why it holds.
        before, after: Expressions; `after` is a mapping where a result has several parts.
        rule, arguments: What gave `after`.
        holds: How the equality of both can be tested: "algebra", "sampled", or "closure" for an
            approximation.
    """

    section: str
    title: str
    reason: str
    before: Any
    after: Any
    rule: str
    holds: str
    arguments: tuple = ()

    @property
    def right(self) -> Any:
        """What is equal to `before`: the result, or the sum of its parts."""
        return (
            sp.Add(*self.after.values(), evaluate=False)
            if isinstance(self.after, dict)
            else self.after
        )


@dataclass
class Record:
    """The numbered steps of a derivation, in the order in which they were applied."""

    steps: list[Step] = field(default_factory=list)
    section: str = ""

    def begin(self, section: str) -> None:
        """Start a new part of the derivation."""
        self.section = section

    def apply(
        self, title: str, rule: Callable[..., Any], before: Any, *context: Any, left: Any = None
    ) -> Any:
        """Apply a rule and record the step; the rule's docstring gives the reason.

        Args:
            title: Of the step.
            rule: A function from `before`, and `context`, to the result.
            before: The expression that goes in.
            *context: What the rule needs besides.
            left: What is displayed as equal to the result, if it is not `before`.
        """
        after = rule(before, *context)
        reason = " ".join((rule.__doc__ or "").split("\n\n")[0].split())
        shown = before if left is None else left
        self.steps.append(
            Step(
                self.section,
                title,
                reason,
                shown,
                after,
                rule.__name__,
                getattr(rule, "holds", "closure"),
                (before, *context),
            )
        )
        return after

    def __iter__(self):
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)
