"""Documents of derivations: complete, true to what is present, silent on what is not."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import motifield as mf
from motifield.errors import ArchitectureError, SpecError
from motifield.theory.architecture import Empirical, Mixture
from motifield.theory.architecture.architecture import MOTIFS
from motifield.theory.notation import QUANTITIES

ROOT = Path(__file__).parents[2]
FILTERED = {
    "membrane": {"E": mf.filters.membrane(1), "PV": mf.filters.adapting()},
    "synapse": {"E": mf.filters.exponential(0.5), "PV": mf.filters.exponential(2)},
    "inputs": ["spread", "in-strength", "out-strength", "noise"],
}
ARCHITECTURES = {
    "all motifs": (mf.Architecture(transfer="1 + erf(x - 1/2)"), mf.SecondMoment()),
    "filters and inputs": (mf.Architecture(["E", "PV"], "Max(x, 0)", **FILTERED), mf.LowRank()),
    "rate form": (
        mf.Architecture(
            ["E", "PV"], "Max(x, 0)", **(FILTERED | {"membrane": "1", "inputs": ["spread"]})
        ),
        mf.SecondMoment(),
    ),
    "convergence alone": (
        mf.Architecture(["E", "I"], "tanh(x)", motifs=["convergent"]),
        mf.MotifOnly(),
    ),
    "mixture and assortativity": (
        mf.Architecture(["E", "I"], "erf", strengths=Mixture(2), assortativity=True),
        mf.SecondMoment(),
    ),
    "neurons of a network": (
        mf.Architecture(["E", "I"], "tanh(x)", strengths=Empirical(), assortativity="quadratic"),
        mf.SecondMoment(),
    ),
    "patterns and filters": (
        mf.Architecture(
            ["E", "PV"],
            "Max(x, 0)",
            strengths=Mixture(2),
            patterns=["m", "n"],
            **(FILTERED | {"inputs": ["spread", "in-strength", "out-strength"]}),
        ),
        mf.SecondMoment(),
    ),
    "no motifs": (mf.Architecture(transfer="tanh(x)", motifs=[]), mf.LowRank()),
    "four cell types": (
        mf.Architecture(["E", "PV", "SST", "VIP"], "Max(x, 0)**2"),
        mf.SecondMoment(),
    ),
}


@pytest.fixture(params=ARCHITECTURES)
def made(request):
    return mf.derive(*ARCHITECTURES[request.param])


def titles(document):
    return [section.title for section in document.sections]


def test_every_step_is_displayed(made):
    from motifield.theory.notation.latex_printer import latex, terms_latex

    lines = [line for display in made.derivation.document().displays() for line in display.lines]
    shown = {t.removeprefix("+ ") for line in lines for t in (line.left, *line.terms)}
    for step in made.derivation:
        if step.rule != "statistic":
            parts = step.after.values() if isinstance(step.after, dict) else [step.after]
            wanted = {t.removeprefix("+ ") for part in parts for t in terms_latex(part)}
            assert wanted <= shown, step.title
            alone = step.title.endswith("named averages") or "Population average" in step.title
            assert latex(step.before) in shown or not alone, step.title


def test_a_sum_has_its_sign_in_front(made):
    assert not re.search(r"sum_\{[a-z ]*\} -", made.derivation.latex())


def test_the_rate_form_is_displayed_as_it_is():
    """Rates follow differential equations, the input current does not."""
    derivation = mf.derive(*ARCHITECTURES["rate form"])
    shown = str(derivation.derivation.document())
    text = derivation.latex()
    assert r"r_j + \\tau^{\\mathrm{syn}}_{E} \\, \\frac{d r_j}{dt}" in shown
    assert "\nK_{p} &= \\sum" in text
    assert "\n\\kappa_{q} &= e_{q}" in text
    assert r"e_{q} &= \mathcal{S}_{q}" in text
    assert r"\mathcal{M}" not in text
    assert "K[p] = drive[p] + Sum(" in str(derivation)
    scalars = {str(e.lhs): e for e in derivation.explicit()}
    assert "K_E" in scalars
    assert "Derivative(K_E, t)" not in scalars
    assert "Derivative(e_E, t)" in scalars


@pytest.mark.parametrize(
    "motifs",
    [[], ["convergent"], ["divergent"], ["reciprocal"], ["convergent", "divergent"], list(MOTIFS)],
)
def test_absent_motifs_leave_no_word(motifs):
    document = mf.derive(mf.Architecture(motifs=motifs), mf.LowRank()).derivation.document()
    text = str(document).replace(document.abstract, "")
    assert ("Chain motifs" in str(titles(document))) == ("chain" in motifs)
    assert ("Convergent motifs" in str(titles(document))) == ("convergent" in motifs)
    assert ("Reciprocal motifs" in str(titles(document))) == ("reciprocal" in motifs)
    for motif, tau in (
        ("convergent", "con"),
        ("divergent", "div"),
        ("chain", "chn"),
        ("reciprocal", "rec"),
    ):
        assert (rf"\\mathrm{{{tau}}}" in text) == (motif in motifs), motif
    assert "noise" not in text
    assert r"\\mathcal{S}" not in text


@pytest.mark.parametrize(
    ("options", "absent"),
    [
        ({}, ["omponent", "ssortativity", "pattern", "eature", r"\\pi_", r"\\theta"]),
        ({"strengths": Mixture(2)}, ["ssortativity", "pattern", "eature", r"\\theta", "network's"]),
        ({"assortativity": True}, ["pattern", "skewed", r"\\bar{u}", r"\\mu_"]),
        (
            {"patterns": ["m"], "strengths": Mixture(2), "motifs": []},
            ["ssortativity", "trength", r"\\bar{u}", r"\\bar{b}", r"\\beta"],
        ),
        (
            {"strengths": Empirical(), "motifs": ["convergent", "divergent"]},
            ["eature", "Stein", "S^{", "jointly"],
        ),
    ],
)
def test_absent_parts_of_strengths_leave_no_word(options, absent):
    mean_field = mf.derive(mf.Architecture(["E", "I"], "tanh(x)", **options), mf.SecondMoment())
    document = mean_field.derivation.document()
    text = str(document.sections)
    assert not [word for word in absent if word in text]


def test_every_symbol_is_in_the_table(made):
    document = made.derivation.document()
    table = next(section for section in document.sections if section.title == "Symbols").blocks[0]
    known = {row[0].strip("$").split("_{")[0] for row in table.rows}
    assert {"N", r"\alpha", r"\Delta"} <= known
    for letter in made.states:
        shown = QUANTITIES[letter].latex
        assert shown in known, letter


def test_levels_and_errors():
    derivation = mf.derive(mf.Architecture(["E", "I"], "tanh")).derivation
    assert titles(derivation.document("equations")) == [
        "Mean-field equations",
        "Averages",
        "Symbols",
    ]
    assert "The equations of each population" in titles(
        derivation.document("equations", explicit=True)
    )
    with pytest.raises(SpecError, match="unknown level 'short'.*full, equations"):
        derivation.document("short")
    five = mf.derive(mf.Architecture(list("abcde"), "tanh")).derivation
    with pytest.raises(ArchitectureError, match="at most 4 populations"):
        five.document(explicit=True)


@pytest.mark.parametrize("suffix", [".tex", ".md", ".html"])
def test_written_whole(tmp_path, suffix):
    derivation = mf.derive(*ARCHITECTURES["filters and inputs"]).derivation
    derivation.save(tmp_path / f"a{suffix}")
    written = {path.name for path in tmp_path.iterdir()}
    assert written == ({"a.tex", "a.bib"} if suffix == ".tex" else {f"a{suffix}"})
    text = (tmp_path / f"a{suffix}").read_text()
    assert text.count("{") == text.count("}")
    with pytest.raises(SpecError, match=r"the suffix is '.doc', it must be .tex, .md or .html"):
        derivation.save(tmp_path / "a.doc")


def test_a_fragment_has_no_preamble(tmp_path):
    derivation = mf.derive(mf.Architecture(transfer="tanh")).derivation
    derivation.save(tmp_path / "a.tex", fragment=True)
    assert "documentclass" not in (tmp_path / "a.tex").read_text()
    assert derivation.latex() == (tmp_path / "a.tex").read_text()


def test_documents_do_not_depend_on_the_run(made):
    again = mf.derive(made.architecture, made.closure)
    assert again.derivation.latex() == made.derivation.latex()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize(
    "names", [("α", "a_a"), ("日本", "é"), ("ß$", "ö&"), ("a^b", "{"), ("😀", "µ\\"), ("#%", "x y")]
)
def test_names_in_any_script_compile(tmp_path, names):
    membrane = {names[0]: {"function": "adapting"}, names[1]: {"function": "membrane"}}
    architecture = mf.Architecture(names, "Max(x, 0)", ["convergent"], membrane=membrane)
    derivation = mf.derive(architecture, mf.LowRank()).derivation
    derivation.save(tmp_path / "a.tex", explicit=True, level="equations")
    for suffix in ("html", "md"):
        derivation.save(tmp_path / f"a.{suffix}", explicit=True, level="equations")
    assert (tmp_path / "a.tex").read_text(encoding="utf-8").isascii()
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_compiles_without_overfull_boxes(tmp_path, made):
    own = made.architecture
    explicit = own.populations is not None and own.strengths.has_widths
    made.derivation.save(tmp_path / "a.tex", explicit=explicit)
    for command in (
        ["pdflatex", "-interaction=nonstopmode", "a"],
        ["bibtex", "a"],
        *[["pdflatex", "-interaction=nonstopmode", "a"]] * 2,
    ):
        subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    log = (tmp_path / "a.log").read_text(errors="replace")
    wide = [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert (tmp_path / "a.pdf").exists()
    assert all(w <= 5 for w in wide), wide
    assert "undefined" not in log


def test_parameters_of_transfer_functions_are_words_with_an_index():
    function = {"expression": "gain*Max(x - theta, 0)", "gain": 1, "theta": 0.5}
    two = mf.derive(mf.Architecture(["E", "I"], function), mf.LowRank()).derivation.latex()
    assert r"\mathrm{gain}_{p} \, \max\left(0, - \theta_{p} + x\right)" in two
    assert r"R_{q} & = \mathrm{gain}_{q}" in two
    assert r"$\mathrm{gain}_{p}$ & parameter gain" in two
    one = mf.derive(mf.Architecture(["E"], function), mf.LowRank()).derivation.latex()
    assert r"\mathrm{gain} \, \max\left(0, - \theta + x\right)" in one
    assert "gain*" not in one


def test_written_out_equations_follow_the_order_of_the_indexed_ones():
    """Equations, their terms, and the factors of each term."""
    made = mf.derive(mf.Architecture(["E", "I"], "tanh"), mf.LowRank())
    section = made.derivation.document("equations", explicit=True).sections[2]
    (display,) = section.blocks
    states = [r"\frac{d K_{E}}{dt}", r"\frac{d K_{I}}{dt}", r"\frac{d \kappa_{E}}{dt}"]
    assert [line.left for line in display.lines][:3] == states
    terms = display.lines[0].terms
    assert terms[0] == "-K_{E}"
    assert terms[1] == r"+ N \, \alpha_{E} \, \bar{J}_{EE} \, R_{E}"
    assert terms[2] == r"+ N \, \alpha_{I} \, \bar{J}_{EI} \, R_{I}"
    chain = r"g_{EE} \, g_{EI} \, \tau^{\mathrm{chn}}_{EEI} \, \kappa_{I} \, G_{E}"
    assert terms[4] == rf"+ N \, \alpha_{{E}} \, {chain}"
    assert terms[-1] == "+ I_{E}"


COLUMNS = {
    "article": r"\documentclass[twocolumn]{article}\setlength{\textwidth}{510pt}"
    r"\setlength{\columnsep}{18pt}\usepackage{amsmath,amssymb,array}",
    "revtex4-2": r"\documentclass[reprint]{revtex4-2}\usepackage{amsmath,amssymb,array}",
}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("form", COLUMNS)
@pytest.mark.parametrize("folder", ["ei_chains", "four_cell_types", "v1_optogenetics"])
def test_a_fragment_fits_a_column(tmp_path, form, folder):
    """Of 246 pt, as two-column journals set: no box is too wide, no table stands in the way."""
    found = subprocess.run(["kpsewhich", f"{form}.cls"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"{form} is not installed")
    spec = mf.load_spec(ROOT / "derivations" / folder / "spec.toml")
    derivation = mf.derive(spec.architecture, spec.closure).derivation
    derivation.save(tmp_path / "body.tex", fragment=True, page=24.6, explicit=True)
    derivation.save(tmp_path / "all.tex")
    text = (
        COLUMNS[form] + r"\begin{document}\typeout{column \the\columnwidth}\input{body}"
        r"\bibliographystyle{unsrt}\bibliography{all}\end{document}"
    )
    (tmp_path / "a.tex").write_text(text)
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a"]
    for command in (latex, ["bibtex", "a"], latex, latex):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "a.log").read_text(errors="replace")
    assert "column 246.0pt" in log
    assert re.findall(r"Overfull \\hbox.*", log) == []
    assert "undefined" not in log


def test_a_page_can_be_too_narrow():
    with pytest.raises(SpecError, match="a page of 5 em is too narrow"):
        mf.derive(mf.Architecture(["E"], "tanh")).derivation.latex(page=5)
