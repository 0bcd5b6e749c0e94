"""The derived equations against expressions written out by hand, population by population, from
docs/theory.md, section 2.
"""

from itertools import combinations, product

import pytest
import sympy as sp

from motifield.errors import ArchitectureError
from motifield.theory.architecture.architecture import MOTIFS, Architecture
from motifield.theory.derivation import derive
from motifield.theory.equations import rules
from motifield.theory.equations.closures import (
    CLOSURES,
    Cavity,
    Closure,
    LowRank,
    MotifOnly,
    SecondMoment,
)
from motifield.theory.equations.record import Record
from motifield.theory.equations.statistics import SynapseStatistics
from motifield.theory.notation import p, q
from motifield.theory.notation.symbols import P

N = sp.Symbol("N", positive=True)
TENSORS = ("tau_con", "tau_div", "tau_chn", "tau_rec")
SYMBOLS = {
    n: sp.IndexedBase(n)
    for n in (
        *("fractions", "mean", "g", *TENSORS, "drive", "A", "B", "K", "kappa", "s"),
        *("Delta", "R", "G", "C", "chi", "susceptibility"),
    )
}
(AL, J, SG, CON, DIV, CHN, REC, I, A, B, K, KA, S, D, R, G, C, CHI, SUS) = SYMBOLS.values()

SUBSETS = [
    frozenset(c)
    for n in range(5)
    for c in combinations(MOTIFS, n)
    if "chain" not in c or {"convergent", "divergent"} <= set(c)
]


def label(motifs):
    return "+".join(sorted(motifs)) or "none"


def by_hand(motifs, closure, n):
    """Every term of docs/theory.md, section 2 and 2.1 for n populations: {(equation, term): [one
    expression per population]}.
    """
    every = range(1, n + 1)
    terms = {
        ("K", "mean_coupling"): [sum(N * AL[b] * J[a, b] * R[b] for b in every) for a in every],
        ("K", "drive"): [I[a] for a in every],
        ("kappa", "fraction"): [AL[b] * R[b] for b in every],
    }
    static = closure == Cavity()
    slope = CHI if static else G
    if "chain" in motifs:
        terms["K", "chain"] = [
            sum(
                AL[b] * slope[b] * N * SG[a, b] * SG[b, c] * CHN[a, b, c] * KA[c]
                for b in every
                for c in every
            )
            for a in every
        ]
    if ("chain" in motifs or "reciprocal" in motifs) and static:
        terms["Gamma", "feedback"] = [
            sum(AL[b] * SG[a, b] * SG[b, a] * B[a, b] * CHI[b] for b in every) for a in every
        ]
    elif "chain" in motifs or "reciprocal" in motifs:
        terms["K", "reciprocal"] = [
            sum(AL[b] * G[b] * SG[a, b] * SG[b, a] * B[a, b] * KA[a] / AL[a] for b in every)
            for a in every
        ]
    if "convergent" in motifs:
        terms["Delta", "convergent"] = [
            sum(
                N * SG[a, b] * SG[a, c] * CON[a, b, c] * KA[b] * KA[c] for b in every for c in every
            )
            for a in every
        ]
    if closure == LowRank():
        terms["Delta", "residual"] = [
            sum(A[a, b] * SG[a, b] ** 2 * KA[b] ** 2 / AL[b] for b in every) for a in every
        ]
    if closure in (SecondMoment(), Cavity()):
        terms["Delta", "residual"] = [
            sum(A[a, b] * SG[a, b] ** 2 * AL[b] * S[b] ** 2 for b in every) for a in every
        ]
        terms["s", "target"] = [sp.sqrt(C[b]) for b in every]
    if static:
        terms["chi", "target"] = [SUS[b] for b in every]
    return terms


@pytest.mark.parametrize("closure", list(CLOSURES.values()), ids=list(CLOSURES))
@pytest.mark.parametrize("motifs", SUBSETS, ids=label)
def test_each_motif_adds_exactly_its_terms(motifs, closure):
    made = derive(Architecture(motifs=sorted(motifs)), closure)
    found = {(e.name, t.name): (e, t) for e in made.results for t in e.terms}
    for n in (2, 3):
        expected = by_hand(motifs, closure, n)
        assert set(found) == set(expected)
        for key, (equation, term) in found.items():
            written = term.expression().subs(P, n).doit()
            for a in range(1, n + 1):
                assert sp.expand(written.subs(equation.index, a) - expected[key][a - 1]) == 0, (
                    key,
                    a,
                )


@pytest.mark.parametrize("motifs", SUBSETS, ids=label)
def test_definitions_of_what_is_left_of_a_synapse(motifs):
    made = derive(Architecture(motifs=sorted(motifs)), SecondMoment())
    for a, b in product((1, 2), repeat=2):
        con, div, chain, rec = (int(m in motifs) for m in MOTIFS)
        expected = {"A": 1 - con * CON[a, b, b] - div * DIV[b, a, a]}
        if chain or rec:
            expected["B"] = rec * REC[a, b] - chain * (CHN[a, b, a] + CHN[b, a, b])
        found = {n: v.subs({p: a, q: b}, simultaneous=True) for n, v in made.definitions.items()}
        assert {n: sp.expand(found[n] - expected[n]) for n in expected} == dict.fromkeys(
            expected, 0
        )
        assert set(found) == set(expected)


def test_the_whole_right_hand_side():
    made = derive(Architecture(), LowRank())
    expected = by_hand(frozenset(MOTIFS), LowRank(), 2)
    for equation in (*made.equations, made.variance):
        for a in (1, 2):
            terms = sum(v[a - 1] for (name, _), v in expected.items() if name == equation.name)
            decay = {"K": K[a], "kappa": KA[a], "Delta": 0}[equation.name]
            assert (
                sp.expand(
                    equation.right_side().subs(P, 2).doit().subs(equation.index, a)
                    - (terms - decay)
                )
                == 0
            )


@pytest.mark.parametrize(
    ("closure", "states", "averages"),
    [
        (MotifOnly(), ("K", "kappa"), {"R", "G"}),
        (LowRank(), ("K", "kappa"), {"R", "G"}),
        (SecondMoment(), ("K", "kappa", "s"), {"R", "G", "C"}),
    ],
)
def test_states_and_averages(closure, states, averages):
    made = derive(Architecture(), closure)
    assert made.states == states
    assert set(made.averages) == averages
    assert all((a.mean, a.variance) == (K[q], D[q]) for a in made.averages.values())


def test_parameters_are_those_that_occur():
    numbers = ("N", "fractions", "mean")
    for motifs, closure, occurring in (
        (MOTIFS, SecondMoment(), (*numbers, "g", *TENSORS, "drive")),
        (["reciprocal"], MotifOnly(), (*numbers, "g", "tau_rec", "drive")),
        ([], MotifOnly(), (*numbers, "drive")),
    ):
        assert derive(Architecture(motifs=motifs), closure).parameters == occurring


def test_divergence_alone_does_not_move_the_mean():
    """Divergent motifs appear only at finite N (docs/theory.md, section 2), and in the share A of
    the residual.
    """
    with_it, without = (derive(Architecture(motifs=m), SecondMoment()) for m in (["divergent"], []))
    assert [e.right_side() for e in with_it.equations] == [
        e.right_side() for e in without.equations
    ]
    assert with_it.definitions != without.definitions


def test_a_closure_is_an_object():
    with pytest.raises(ArchitectureError, match="closure 'low-rank' is not a closure object"):
        derive(Architecture(), "low-rank")
    assert derive(Architecture()).closure == LowRank()


def test_a_new_closure_needs_only_a_second_moment():
    class Saturated(Closure):
        def second_moment(self):
            return KA[q] / AL[q]

        @property
        def statement(self):
            return "Rates are 0 or 1."

    made = derive(Architecture(), Saturated())
    residual = (
        next(t for t in made.variance.terms if t.name == "residual")
        .expression()
        .subs(P, 2)
        .doit()
        .subs(p, 1)
    )
    assert sp.expand(residual - sum(A[1, b] * SG[1, b] ** 2 * KA[b] for b in (1, 2))) == 0


# ---- the record


@pytest.mark.parametrize("closure", list(CLOSURES.values()), ids=list(CLOSURES))
@pytest.mark.parametrize("motifs", SUBSETS, ids=label)
def test_the_record_is_what_was_done(motifs, closure):
    """Each step is its rule applied to what an earlier step gave, or to what the derivation starts
    from.
    """
    made = derive(Architecture(motifs=sorted(motifs)), closure)
    latents, statistics = rules.Latents(made.architecture), SynapseStatistics(motifs)
    known = [rules.recurrent_input(latents), rules.current(rules.i, p, statistics, latents)]
    for step in made.derivation:
        if step.rule != "statistic":
            assert any(step.arguments[0] == e for e in known), step.title
        if step.rule == "close":
            again = step.before.xreplace({C[q]: closure.second_moment()})
            assert sp.expand((again - step.after).subs(P, 2).doit()) == 0
        else:
            assert getattr(rules, step.rule)(*step.arguments) == step.after, step.title
        known += step.after.values() if isinstance(step.after, dict) else [step.after]


@pytest.mark.parametrize("motifs", SUBSETS, ids=label)
def test_every_term_comes_out_of_a_step(motifs):
    made = derive(Architecture(motifs=sorted(motifs)), SecondMoment())
    after = [
        part
        for s in made.derivation
        for part in (s.after.values() if isinstance(s.after, dict) else [s.after])
        if part != 0
    ]
    given_directly = {"drive", "target"} | (set() if "convergent" in motifs else {"fraction"})
    for equation in (*made.equations, made.variance):
        for term in equation.terms:
            if term.name not in given_directly:
                along = (
                    rules.u[rules.i, q] if term.name == "fraction" else 1
                )  # what drives kappa_q is the coefficient of u_i^q
                shown = (
                    sp.Sum(along * term.summand, (q, 1, P))
                    if term.name == "fraction"
                    else term.expression()
                )
                wanted = shown.subs(P, 2).doit()
                assert any(sp.expand(part.subs(P, 2).doit() - wanted) == 0 for part in after), (
                    term.name
                )


def test_every_step_has_a_reason():
    steps = [s for s in derive(Architecture(), SecondMoment()).derivation if s.rule != "statistic"]
    assert all(len(s.reason.split()) >= 7 for s in steps)
    assert len({s.title for s in steps}) == len(steps)
    # counted by hand: 1 decomposition, 4 averages, 1 mean coupling, 3 for rows, 3 for columns, 4
    # for the residual, 3 for the variance
    assert len(steps) == 19


def test_a_record_is_written_as_it_happens():
    record = Record()
    x = sp.Symbol("x")

    def double(e):
        """Twice as much.

        Not part of the reason.
        """
        return 2 * e

    record.begin("Numbers")
    assert record.apply("Doubling", double, x) == 2 * x
    (step,) = record
    assert (step.section, step.title, step.reason) == ("Numbers", "Doubling", "Twice as much.")
    assert (step.before, step.after, step.right, step.rule, step.holds) == (
        x,
        2 * x,
        2 * x,
        "double",
        "closure",
    )


def test_stein_needs_a_linear_factor_that_is_gaussian():
    """< z phi(x) > = Cov(z, x) <phi'>; a plain average, or one of a product of rates, is left
    alone.
    """
    from motifield.theory.notation import Mean, Rate, b, x

    j = rules.j
    linear = Mean(b[j, p] * Rate(q, x[j]), j, q)
    assert rules.stein(linear) == rules.Covariance(b[j, p], x[j], j, q) * Mean(
        Rate(q, x[j], 1), j, q
    )
    for untouched in (Mean(Rate(q, x[j]), j, q), Mean(Rate(q, x[j]) ** 2, j, q)):
        assert rules.stein(untouched) == untouched
