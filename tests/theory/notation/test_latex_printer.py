"""LaTeX of equations and derivations."""

import re

import pytest
import sympy as sp

import motifield as mf
from motifield.theory.notation import A, G, K, p, q
from motifield.theory.notation.latex_printer import name_latex, terms_latex
from motifield.theory.notation.written_out import scalar_latex

FULL = mf.derive(mf.Architecture(), mf.SecondMoment())


def test_equations_are_those_of_the_theory():
    lines = FULL.latex_lines()
    assert lines[0] == (
        r"\frac{d K_{p}}{dt} = -K_{p} + \sum_{q} N \, \alpha_{q} \, \bar{J}_{pq} \, R_{q} "
        r"+ \sum_{q r} N \, \alpha_{q} \, g_{pq} \, g_{qr} \, "
        r"\tau^{\mathrm{chn}}_{pqr} \, \kappa_{r} \, G_{q} "
        r"+ \sum_{q} \frac{\alpha_{q} \, g_{pq} \, g_{qp} \, B_{pq} \, \kappa_{p} \, "
        r"G_{q}}{\alpha_{p}} + I_{p}"
    )
    assert r"\frac{d s_{q}}{dt} = -s_{q} + \sqrt{C_{q}}" in lines
    assert r"A_{pq} = 1 -\tau^{\mathrm{con}}_{pqq} -\tau^{\mathrm{div}}_{qpp}" in lines


def test_absent_motifs_leave_no_trace():
    text = "\n".join(
        mf.derive(mf.Architecture(motifs=["convergent"]), mf.SecondMoment()).latex_lines()
    )
    assert "con" in text
    assert not re.search("chn|div|rec|B_|G_", text)


def test_names_of_populations_are_indices():
    assert name_latex("E") == "E"
    assert name_latex("PV") == r"\mathrm{PV}"
    assert name_latex("a_b%") == r"\mathrm{a\_b\%}"
    assert scalar_latex(sp.Symbol("tau_chn_EEI")) == r"\tau^{\mathrm{chn}}_{EEI}"
    assert scalar_latex(sp.Symbol("g_PV_E")) == r"g_{\mathrm{PV},E}"
    assert scalar_latex(sp.Symbol("N")) == "N"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("α", r"\alpha"),
        ("Ω", r"\Omega"),
        ("αβ", r"\mathrm{\alpha \beta }"),
        ("x y", r"\mathrm{x\ y}"),
        ("a^b", r"\mathrm{a\wedge b}"),
        ("a~b", r"\mathrm{a\sim b}"),
        ("a\\", r"\mathrm{a\backslash }"),
        ("{", r"\mathrm{\{}"),
    ],
)
def test_every_letter_of_a_name_is_seen(name, expected):
    assert name_latex(name) == expected


@pytest.mark.parametrize(
    ("symbol", "populations", "expected"),
    [
        ("g_a_{a_a}", ("a", "a_a"), r"g_{a,\mathrm{a\_a}}"),
        ("g_{a_a}_a", ("a", "a_a"), r"g_{\mathrm{a\_a},a}"),
        ("g_αE", ("α", "E"), r"g_{\alpha E}"),
        ("kappa_EI", ("E", "I"), r"\kappa_{EI}"),
        ("kappa_EI", ("EI", "X"), r"\kappa_{\mathrm{EI}}"),
        ("kappa2_EI", ("E", "I"), r"\kappa^{(2)}_{EI}"),
        ("V10_11_1", ("1", "2"), r"V^{(10,11)}_{1}"),
        ("V12_1", ("1", "2"), r"V^{(12)}_{1}"),
        ("transfer_gain_{a_b}", ("a_b", "b"), r"\mathrm{gain}^{\phi}_{\mathrm{a\_b}}"),
        ("membrane_tau_a_b", ("a_b", "b"), r"\tau_{a,b}"),
        ("synapse_tau_{a_b}", ("a_b", "b"), r"\tau^{\mathrm{syn}}_{\mathrm{a\_b}}"),
    ],
)
def test_an_underscore_is_no_comma(symbol, populations, expected):
    assert scalar_latex(sp.Symbol(symbol), populations) == expected


def test_terms_keep_their_signs():
    assert terms_latex(1 - A[p, q]) == ("1", "-A_{pq}")
    assert terms_latex(G[q] / 2 + K[q]) == ("K_{q}", r"+ \frac{G_{q}}{2}") or terms_latex(
        G[q] / 2 + K[q]
    )[1].startswith("+")


def test_notebook_forms():
    assert FULL._repr_latex_().startswith("$$\\begin{aligned}")
    assert "Chain motifs" in FULL.derivation._repr_markdown_()
