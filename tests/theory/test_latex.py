"""LaTeX of equations and derivations."""

import re

import motifield as mf

FULL = mf.derive(mf.Architecture(), mf.SecondMoment())


def test_equations_are_those_of_the_theory():
    lines = FULL.latex_lines()
    assert lines[0] == (
        r"\frac{d K_{p}}{dt} = -K_{p} + \sum_{q} N \, \alpha_{q} \, \bar{J}_{pq} \, R_{q} + \sum_{q r} N \, \alpha_{q} \, g_{pq} \, g_{qr} \, "
        r"\tau^{\mathrm{chn}}_{pqr} \, \kappa_{r} \, G_{q} + \sum_{q} \frac{\alpha_{q} \, g_{pq} \, g_{qp} \, B_{pq} \, \kappa_{p} \, "
        r"G_{q}}{\alpha_{p}} + I_{p}"
    )
    assert r"\frac{d s_{q}}{dt} = -s_{q} + \sqrt{C_{q}}" in lines
    assert r"A_{pq} = 1 -\tau^{\mathrm{con}}_{pqq} -\tau^{\mathrm{div}}_{qpp}" in lines


def test_absent_motifs_leave_no_trace():
    text = "\n".join(mf.derive(mf.Architecture(motifs=["convergent"]), mf.SecondMoment()).latex_lines())
    assert "con" in text
    assert not re.search("chn|div|rec|B_|G_", text)


def test_every_step_is_displayed_and_braces_balance():
    text = FULL.derivation.latex()
    for number, step in enumerate(FULL.derivation, start=1):
        assert f"{number}. {step.title}" in text
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin{align*}") == text.count(r"\end{align*}") == len(FULL.derivation)


def test_article_is_written_whole(tmp_path):
    FULL.derivation.write(str(tmp_path / "a.tex"))
    text = (tmp_path / "a.tex").read_text()
    assert text.startswith(r"\documentclass")
    assert text.rstrip().endswith(r"\end{document}")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tex"]


def test_notebook_forms():
    assert FULL._repr_latex_().startswith("$$\\begin{aligned}")
    assert "Chains" in FULL.derivation._repr_markdown_()
