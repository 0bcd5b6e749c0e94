"""Checks of derivations with components of strengths, and features of both neurons."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import motifield as mf
from motifield.theory.architecture import Empirical, Gaussian, Mixture
from motifield.theory.checks.checks import Checker
from motifield.theory.checks.strengths import draw
from motifield.theory.notation import COUNTS, N

FILTERS = {
    "membrane": {"E": mf.filters.membrane(1), "I": mf.filters.adapting()},
    "synapse": {"E": mf.filters.exponential(0.5), "I": mf.filters.exponential(2)},
}
PAIR = ["convergent", "divergent"]


def made(closure, strengths, transfer="tanh(x)", **options):
    return mf.derive(mf.Architecture(["E", "I"], transfer, strengths=strengths, **options), closure)


QUICK = {
    "mixture, no chains": lambda: made(mf.LowRank(), Mixture(2), motifs=PAIR),
    "patterns alone": lambda: made(mf.MotifOnly(), Mixture(2), patterns=["m", "n"], motifs=[]),
    "filters": lambda: made(
        mf.LowRank(),
        Mixture(2),
        assortativity=True,
        inputs=["in-strength", "spread", "noise"],
        **FILTERS,
    ),
    "offsets": lambda: made(
        mf.SecondMoment(),
        Mixture(2),
        patterns=["m"],
        inputs=["in-strength", "pattern", "spread", "out-strength"],
        **FILTERS,
    ),
    "quenched": lambda: made(
        mf.SecondMoment(),
        Mixture(2, quenched=True),
        assortativity=["in"],
        inputs=["in-strength", "spread"],
        **FILTERS,
    ),
    "neurons of a network": lambda: made(
        mf.SecondMoment(), Empirical(), assortativity=["in"], motifs=PAIR
    ),
}
SLOW = {
    "inputs along patterns": lambda: made(
        mf.SecondMoment(), Mixture(2), assortativity=["in"], patterns=["m"], inputs=["pattern"]
    ),
    "mixture": lambda: made(mf.SecondMoment(), Mixture(2), assortativity=True),
    "Gaussian": lambda: made(mf.LowRank(), Gaussian(), assortativity=True),
    "quadratic": lambda: made(mf.MotifOnly(), Mixture(3), assortativity="quadratic", motifs=PAIR),
    "quenched mixture": lambda: made(
        mf.SecondMoment(), Mixture(2, quenched=True), assortativity=True
    ),
    "rate form": lambda: made(
        mf.MotifOnly(),
        Mixture(2),
        assortativity=True,
        membrane="1",
        synapse=mf.filters.exponential(0.5),
    ),
}


def failed(mean_field):
    checker = Checker(mean_field)
    every = map(checker, mean_field.derivation.equalities())
    return [(o.equality.title, o.error, o.allowed) for o in every if not o.passed]


@pytest.mark.parametrize("name", QUICK)
def test_every_equality_holds(name):
    assert not failed(QUICK[name]())


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_every_equality_holds_in_larger_systems(name):
    assert not failed(SLOW[name]())


def kind(index):
    """Indices of one kind count the same."""
    name = str(index)
    if name in "pqr":
        return "population"
    return "feature" if index in COUNTS and name != "m" else name


def corruptions(expression):
    """The expression with a wrong sign, a missing factor, two indices of one kind exchanged."""
    terms = sp.Add.make_args(expression)
    for n, term in enumerate(terms):
        others = sp.Add(*(t for k, t in enumerate(terms) if k != n))
        yield f"sign of {term}", others - term
        for factor in sorted(term.atoms(sp.Indexed), key=str):
            if str(factor.base) != "x":  # which no rate is without
                yield f"no {factor}", others + term.xreplace({factor: sp.Integer(1)})
            for a, b in itertools.combinations(factor.indices, 2):
                if a != b and kind(a) == kind(b) and (str(factor.base), a, b) not in SAME:
                    changed = [{a: b, b: a}.get(index, index) for index in factor.indices]
                    wrong = factor.base[tuple(changed)]
                    yield f"indices of {factor}", others + term.xreplace({factor: wrong})
        if term.has(N):
            yield "no N", others + term.xreplace({N: sp.Integer(1)})


def symmetric():
    """Exchanges that change nothing, by the symmetry of covariances."""
    p, q, r, k, l, t, o = (sp.Symbol(s, integer=True) for s in "pqrklto")
    pairs = {
        "cov_in": [(q, r)],
        "cov_features": [(k, l), (l, k)],
        "feature_covariance": [(k, l), (l, t), (o, k)],
        "B": [(p, q), (q, p)],
        "E_back": [(p, q), (q, p)],
        "tau_con": [(q, r)],
        "tau_div": [(p, r)],
        "tau_rec": [(p, q), (q, p)],
    }
    return {(name, *pair) for name, every in pairs.items() for pair in every}


SAME = symmetric()
NEW = (
    "sum over components",
    "Components: ",
    "Definition of E",
    "Latent variables along features",
    "Equation of theta",
    "Equation of along",
    "Equation of beta",
    "Equation of eta",
    "Equation of shift",
    "Equation of Delta",
    "Variation of R_c",
    "Variation of Delta_c",
    "Variation of eta",
)


def missed(mean_field, titles):
    checker, found, tried = Checker(mean_field), [], set()
    for equality in mean_field.derivation.equalities():
        exact = isinstance(equality.right, sp.Basic) and equality.holds not in ("filter", "average")
        if not exact or not any(title in equality.title for title in titles):
            continue
        for what, wrong in corruptions(equality.right):
            if sp.expand(wrong - equality.right) != 0:
                tried.add(equality.title)
                if checker(replace(equality, right=wrong)).passed:
                    found.append((equality.title, what))
    assert all(any(title in t for t in tried) for title in titles)
    return found


def test_every_corrupted_step_over_components_is_caught():
    """Two features in two populations: a transposed Gamma differs, in features as in
    populations.
    """
    titles = [t for t in NEW if "Delta_c" not in t]  # of many terms: in the slow test
    assert not missed(QUICK["filters"](), titles)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixture", "quenched mixture"])
def test_every_corrupted_step_is_caught(name):
    titles = [t for t in NEW if t != "Equation of along"]
    titles += ["named covariances", "Variance within", "Variance of the residual"]
    titles += ["Residual: Stein"] * (name == "mixture")
    found = missed(SLOW[name](), titles)
    # shares that are left of variances are much alike in both directions
    assert not [m for m in found if "of A[p, q]" not in m[1]]


def test_steins_lemma_holds_inside_components_not_across():
    """The covariance of whole populations in place of the components' is wrong."""
    mean_field = QUICK["mixture, no chains"]()
    checker = Checker(mean_field)
    (step,) = [e for e in mean_field.derivation.equalities() if e.title.startswith("Columns: sum")]
    assert checker(step).passed
    within = [t for t in step.right.args if "cov_out_in" in str(t)]
    assert len(within) == 1  # chains are absent: what components have of them cancels in the sum
    assert not checker(replace(step, right=step.right - within[0])).passed


def test_drawn_components_have_the_moments_that_motifs_ask_for():
    for strengths in (Gaussian(), Mixture(2), Empirical()):
        own = mf.Architecture(
            ["E", "I"], "erf", strengths=strengths, patterns=["m"], motifs=PAIR, inputs=["spread"]
        )
        found = draw(np.random.default_rng(0), own, own.motifs, 3)
        assert np.allclose(found.weight.sum(0), 1)
        assert np.abs(np.einsum("mq,mqi->qi", found.weight, found.means)).max() < 1e-12
        assert np.abs(found.total[:, 3:6, :3]).max() < 1e-12  # no chains
        assert np.linalg.eigvalsh(found.covariances).min() > -1e-12
        assert np.diagonal(found.total, axis1=1, axis2=2).min() > 1e-4


def test_the_residual_of_given_strengths_moves_no_mean_and_feels_deviations():
    """The terms of an ensemble in place of a network's own are wrong, and the other way round."""
    ensemble = made(mf.SecondMoment(), Mixture(2), assortativity=["in"], **FILTERS)
    quenched = QUICK["quenched"]()

    def steps(mean_field):
        every = {e.title: e for e in mean_field.derivation.equalities()}
        field = every["Variance of the residual field"]
        wanted = ("Residual: within the strengths", "Reciprocal motifs")
        return field, next(every[name] for name in wanted if name in every)

    (field, residual), (own_field, returned) = steps(quenched), steps(ensemble)
    first = "Population average: residual"
    begins = {e.title: e for e in ensemble.derivation.equalities()}[first].right
    of_ensemble, of_network = Checker(ensemble), Checker(quenched)
    assert of_network(residual).passed
    assert residual.right == 0
    assert of_ensemble(replace(returned, left=begins)).passed
    assert not of_network(replace(residual, right=returned.right)).passed
    assert not of_ensemble(replace(returned, left=begins, right=sp.Integer(0))).passed
    assert of_network(field).passed
    assert not of_network(replace(field, right=own_field.right)).passed
    assert not of_ensemble(replace(own_field, right=field.right)).passed
