"""The tests that a derivation carries with it: they pass, and each corrupted step fails."""

import itertools
from dataclasses import replace

import pytest
import sympy as sp

import motifield as mf
from motifield.theory.checks.checks import Checker
from motifield.theory.notation import N

TESTED = {
    "all motifs": (mf.Architecture(transfer="1 + erf(x - 1/2)"), mf.SecondMoment()),
    "filters and inputs": (
        mf.Architecture(
            ["E", "I"],
            "Max(x, 0)",
            membrane={"E": mf.filters.membrane(1), "I": mf.filters.adapting()},
            synapse={"E": mf.filters.exponential(0.5), "I": mf.filters.exponential(2)},
            inputs=["spread", "in-strength", "out-strength", "noise"],
        ),
        mf.LowRank(),
    ),
    "convergence alone": (
        mf.Architecture(["E", "I"], "tanh(x)", motifs=["convergent"]),
        mf.MotifOnly(),
    ),
}


RATE_FORMS = {
    "rate form": (
        mf.Architecture(
            ["E", "I"],
            "Max(x, 0)",
            membrane="1",
            synapse={"E": mf.filters.exponential(0.5), "I": mf.filters.gamma_delay(2)},
            inputs=["spread", "in-strength", "out-strength"],
        ),
        mf.SecondMoment(),
    ),
    "rate form of one population": (
        mf.Architecture(
            ["E", "I"],
            "Max(x, 0)",
            membrane={"E": "1", "I": mf.filters.membrane(2)},
            synapse=mf.filters.exponential(0.5),
        ),
        mf.LowRank(),
    ),
}


@pytest.mark.parametrize("name", RATE_FORMS)
def test_every_equality_of_a_rate_form_holds(name):
    """Membranes are 1 in the tests, too: what is equal without a filter is tested without."""
    mean_field = mf.derive(*RATE_FORMS[name])
    checker = Checker(mean_field)
    equalities = mean_field.derivation.equalities()
    assert not [str(e.title) for e in equalities if not checker(e).passed]
    (mean,) = [e for e in equalities if e.title == "Equation of K"]
    for wrong in (2 * mean.right, mean.right - mean.left):
        assert not checker(replace(mean, right=wrong)).passed


@pytest.fixture(scope="module", params=TESTED)
def case(request):
    mean_field = mf.derive(*TESTED[request.param])
    return mean_field, Checker(mean_field)


def test_every_equality_holds(case):
    mean_field, checker = case
    failed = [
        str(o.equality.title)
        for e in mean_field.derivation.equalities()
        if not (o := checker(e)).passed
    ]
    assert not failed


def corruptions(expression):
    """The expression with a flipped sign of a term, with exchanged indices of a factor, without a
    factor.
    """
    terms = sp.Add.make_args(expression)
    for n, term in enumerate(terms):
        others = sp.Add(*(t for k, t in enumerate(terms) if k != n))
        yield f"sign of {term}", others - term
        for factor in sorted(term.atoms(sp.Indexed), key=str):
            indices = factor.indices
            if len(set(indices)) > 1 and str(factor.base) not in SYMMETRIC:
                yield (
                    f"indices of {factor}",
                    others + term.xreplace({factor: factor.base[indices[::-1]]}),
                )
            if len(indices) <= 2 and str(factor.base) in PARAMETERS:
                yield f"no {factor}", others + term.xreplace({factor: sp.Integer(1)})
        if term.has(N):
            yield "no N", others + term.xreplace({N: sp.Integer(1)})


PARAMETERS = {"fractions", "mean", "g", "A", "B", "R", "G", "kappa", "rho", "z", "C"}
SYMMETRIC = {
    "B",
    "tau_rec",
    "SOURCES",
    "a",
    "b",
    "u",
    "w",
    "J",
}  # or with indices of different kinds


def test_every_corrupted_step_is_caught(case):
    """Each displayed equality in turn, with every wrong sign, exchanged pair of indices and missing
    factor in its right side.
    """
    mean_field, checker = case
    missed, tried = [], set()
    for equality in mean_field.derivation.equalities():
        if not isinstance(equality.right, sp.Basic) or equality.holds in ("filter", "noise"):
            continue
        for what, wrong in itertools.islice(corruptions(equality.right), 12):
            if sp.expand(wrong - equality.right) == 0:
                continue  # nothing changed: 0, or a symmetric product
            tried.add(equality.title)
            outcome = checker(replace(equality, right=wrong))
            if outcome.passed:
                missed.append((equality.title, what, outcome.error))
    assert not missed
    assert len(tried) >= len([s for s in mean_field.derivation if s.right != 0])


def test_a_corrupted_filter_is_caught(case):
    mean_field, checker = case
    found = [e for e in mean_field.derivation.equalities() if e.holds in ("filter", "noise")]
    assert found
    for equality in found:
        above, below = equality.right
        flipped = ((-above[0], *above[1:]), below)
        for wrong in (
            flipped,
            (above, (*below[:-1], 2 * below[-1])),
            (above, (below[0], *(-c for c in below[1:]))),
        ):
            if wrong is flipped and equality.holds == "noise":
                continue  # a variance depends on |H|^2 alone
            assert not checker(replace(equality, right=wrong)).passed, equality.title


def test_the_report_says_what_was_tested():
    report = mf.derive(*TESTED["convergence alone"]).derivation.check()
    assert report.passed
    text = str(report)
    assert f"{len(report.outcomes)} equalities, 0 failed" in text
    assert "Closure: MotifOnly" in text
    assert "measured error of the residual's variance" in text


@pytest.mark.slow
def test_the_seed_decides():
    derivation = mf.derive(*TESTED["convergence alone"]).derivation
    one, again, other = (derivation.check(seed=s) for s in (1, 1, 2))
    assert [o.error for o in one.outcomes] == [o.error for o in again.outcomes]
    assert [o.error for o in one.outcomes] != [o.error for o in other.outcomes]
    assert other.passed
