"""The document model and its three renderings, on a document of cases that are hard to print."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from motifield.errors import SpecError
from motifield.theory.documents import (
    Display,
    Document,
    Line,
    Prose,
    Reference,
    Section,
    Table,
    article,
    bibliography,
    fragment,
    html,
    markdown,
)
from motifield.theory.documents.breaking import pieces, rows
from motifield.theory.documents.spans import Math, Text, spans
from motifield.theory.documents.to_html import mathml
from motifield.theory.documents.to_latex import PAGE
from motifield.theory.documents.width import width

MEAN = Line(
    r"\frac{dK_{p}}{dt}",
    "=",
    (
        "- K_{p}",
        r"+ N \sum_{q=1}^{P} \alpha_{q} \bar{J}_{pq} R_{q}",
        r"+ N \sum_{q,r=1}^{P} \alpha_{q} G_{q} g_{pq} g_{qr} \tau^{\mathrm{chn}}_{pqr} \kappa_{r}",
        r"+ \sum_{q=1}^P \alpha_q G_q g_{pq} g_{qp} B_{pq} \kappa_p/\alpha_p",
        "+ I_{p}",
    ),
)
NAMES = [r"\mathrm{E}", r"\mathrm{I}", r"\mathrm{S}", r"\mathrm{V}"]
EXPLICIT = Line(
    r"\frac{dK_{\mathrm{E}}}{dt}",
    "=",
    (
        r"- K_{\mathrm{E}}",
        *(rf"+ N \alpha_{{{q}}} \bar{{J}}_{{\mathrm{{E}} {q}}} R_{{{q}}}" for q in NAMES),
        *(
            rf"{'-' if (j + k) % 3 == 0 else '+'} N \alpha_{{{q}}} G_{{{q}}} "
            rf"g_{{\mathrm{{E}} {q}}} g_{{{q} {r}}} "
            rf"\tau^{{\mathrm{{chn}}}}_{{\mathrm{{E}} {q} {r}}} \kappa_{{{r}}}"
            for j, q in enumerate(NAMES * 3)
            for k, r in enumerate(NAMES)
        ),
        *(
            rf"+ \alpha_{{{q}}} G_{{{q}}} g_{{\mathrm{{E}} {q}}} g_{{{q} \mathrm{{E}}}} "
            rf"B_{{\mathrm{{E}} {q}}} \frac{{\kappa_{{\mathrm{{E}}}}}}{{\alpha_{{\mathrm{{E}}}}}}"
            for q in NAMES
        ),
        r"+ I_{\mathrm{E}}",
    ),
)
ERF = (
    r"\operatorname{erf}{\left(\frac{\sqrt{2} \left(K_{p} - \theta\right)}"
    r"{2 \sqrt{\Delta_{p}}} \right)}"
)
CLOSED = Line(
    r"\left\langle \phi_{p}\left(x_{i}\right) \right\rangle_{i \in p}",
    "=",
    (
        r"\frac{\sqrt{2} \sqrt{\Delta_{p}} \, "
        r"e^{- \frac{\left(K_{p} - \theta\right)^{2}}{2 \Delta_{p}}}}{2 \sqrt{\pi}}",
        rf"+ \frac{{\left(K_{{p}} - \theta\right) {ERF}}}{{2}}",
        r"+ \frac{K_{p}}{1 + \frac{\Delta_{p}}{1 + \frac{1}{\sqrt{1 + 2 \Delta_{p}}}}}",
        r"- \frac{\theta}{2}",
    ),
    note="Gaussian average of $[x - \\theta]_+$, closed by Stein's lemma; see [@stein]",
)
SUM = " + ".join(rf"g_{{p{k}}} \kappa_{{{k}}}^{{2}}" for k in range(1, 31))
MONSTERS = (
    Line("A", "=", (rf"N \, \left({SUM}\right) \, \alpha_{{p}}",)),
    Line("B", "=", (" \\, ".join(rf"\left(1 - \tau_{{{k}}}\right)" for k in range(25)),)),
    Line("C", "=", (rf"- \frac{{{SUM}}}{{2 \Delta_{{p}}}}",)),
    Line("D", r"\approx", (rf"\alpha_{{p}} \left(1 + \left({SUM}\right)^{{2}}\right)",)),
    Line("E", "=", (" ".join(rf"\alpha_{{{k}}} \beta_{{{k}}}" for k in range(40)),)),
    Line("F", "=", (rf"\sqrt{{{SUM}}}", rf"+ e^{{- {SUM}}}")),
    Line(rf"\left\langle {SUM} \right\rangle", r"\to", (ERF,)),
    Line(
        r"\phi_{p}\left(x\right)",
        "=",
        (
            r"\begin{cases} \left(x - \theta\right)^{2} & \text{for}\: x > \theta \\ "
            r"0 & \text{otherwise} \end{cases}",
        ),
    ),
)
SYMBOLS = Table(
    ("symbol", "meaning", "shape", "remark"),
    (
        (
            "$K_{p}$",
            "mean of the input currents of a population",
            "$P$",
            "a variable of the equations",
        ),
        (
            r"$\tau^{\mathrm{chn}}_{pqr}$",
            "correlation of $J_{ij}$ and $J_{jk}$, neurons i, j and k in p, q and r",
            r"$P \times P \times P$",
            "at most "
            + rf"$\sqrt{{\tau^{{\mathrm{{div}}}}_{{qpp}} \, \tau^{{\mathrm{{con}}}}_{{qrr}}}} \, "
            rf"\left({SUM[:120].rsplit(' +', 1)[0]}\right)$",
        ),
        *(
            (
                rf"$\kappa_{{{k}}}$",
                f"latent variable number {k} & its 100 % share_of_it <here>",
                "$P$",
                "",
            )
            for k in range(60)
        ),
    ),
    caption=r"Symbols, and the arrays that hold them ($P$ populations) [@zhang].",
)


NETWORK = Section(
    "Network",
    (
        Prose(
            r"We begin with $\frac{dx_{i}}{dt} = -x_{i} + \sum_{j} J_{ij} "
            r"\phi_{q}\left(x_{j}\right) + I_{p}$ & 100 % of the "
            r'"names_with_underscores" in {braces}, R&D <tags>, '
            r"C:\dir, ~x^2 and #1 — naïve κ → ∞, and \$5."
        ),
        Prose("Then, as in [@zhang; @stein]:"),
        Display(
            (
                MEAN,
                Line(
                    r"\frac{d\kappa_{p}}{dt}",
                    "=",
                    (r"- \kappa_{p}", r"+ \alpha_{p} R_{p}"),
                    note="latent",
                ),
            ),
            label="mean",
        ),
    ),
)
STATISTICS = Section(
    r"Statistics of $\kappa_{p}$ in the limit $N \to \infty$",
    (
        SYMBOLS,
        Prose(
            r"A long formula in running text, "
            + f"${SUM}$"
            + r", must break, too, and so must $\left("
            + SUM[:200].rsplit(" +", 1)[0]
            + r"\right)$."
        ),
        Display(
            (
                CLOSED,
                Line(
                    "",
                    r"\approx",
                    (r"\frac{K_{p}}{2}", r"- \frac{\theta}{2}"),
                    note="for large $K_{p}$",
                ),
            ),
            label="closed",
        ),
        Display((Line(r"\ddot{x} + \dot{x}", "=", (r"\mathcal{N}\left(0, 1\right)",)),)),
    ),
)
REFERENCES = (
    Reference("unused", ("A. Nobody",), "Never cited", "", 1999),
    Reference(
        "stein",
        ("Charles M. Stein",),
        "Estimation of the mean of a multivariate normal distribution",
        "Annals of Statistics 9, 1135",
        1981,
        doi="10.1214/aos/1176345632",
    ),
    Reference(
        "zhang",
        ("Zhang", "Yu", "Tao", "Shao"),
        "Heterogeneous synaptic motifs bridge microscale structure "
        "& macroscale dynamics of $\\kappa$",
        "",
        2026,
        arxiv="2606.27946",
    ),
)


@pytest.fixture(scope="module")
def document():
    return Document(
        title="Mean-field equations of a network with E and I cells",
        abstract=r"Neurons with transfer function $\phi_{q}$, synapses that are correlated in "
        r"pairs [@zhang]. The mean obeys [#mean].",
        sections=(
            NETWORK,
            STATISTICS,
            Section(
                "Explicit equations",
                (
                    Prose("With four populations [#mean] reads"),
                    Display((EXPLICIT,), label="explicit"),
                ),
            ),
            Section(
                "Monsters",
                (
                    Display(MONSTERS, label="monsters"),
                    *(Display((line,)) for line in MONSTERS),
                    Prose("See [#monsters] and [#closed]."),
                ),
            ),
        ),
        references=REFERENCES,
    )


def one(*blocks, references=()):
    return Document("A title", "", (Section("A section", blocks),), references)


# ---- the model


def test_spans():
    assert spans(r"a  b $x_{1}$, \$5") == (Text("a b "), Math("x_{1}"), Text(", $5"))


def test_numbers_follow_the_text(document):
    titles = [title for title, _ in document.numbered()]
    assert titles[0] == "1. Network"
    assert titles[3] == "4. Monsters"
    assert document.display_numbers() == {"mean": 1, "closed": 2, "explicit": 4, "monsters": 5}
    assert document.citation_numbers() == {
        "zhang": 1,
        "stein": 2,
        "unused": 3,
    }  # order of first citation


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ((Prose("as [@nobody] says"),), "nobody"),
        ((Prose("by [#nowhere]"),), "nowhere"),
        ((Display((Line("a", "=", ("b",), note="by [@nobody]"),)),), "nobody"),
        ((Table(("a",), (("[#nowhere]",),)),), "nowhere"),
        (
            (
                Display((Line("a", "=", ("b",)),), label="x"),
                Display((Line("a", "=", ("b",)),), label="x"),
            ),
            "'x' is used 2 times",
        ),
        ((Display((Line("a", "=", ("b",)),), label="a b"),), "'a b'"),
        ((Prose("5 $ and more"),), "dollar"),
        ((Display((Line("a", "=", (r"\frac{b}{c",)),)),), "partner"),
        ((Display((Line("a", "=", (r"\left( b",)),)),), "partner"),
        ((Display((Line("a", "=", ()),)),), "at least one"),
        ((Display((Line("a", "=", "b + c"),)),), "tuple"),
        ((Display(()),), "no lines"),
        ((Table(("a", "b"), (("1",),), caption="short"),), "'short'.*1 cells"),
    ],
)
def test_errors_name_what_is_wrong(blocks, message):
    with pytest.raises(SpecError, match=message):
        one(*blocks)


def test_errors_of_references():
    twice = Reference("a", ("A",), "T", "", 2000)
    with pytest.raises(SpecError, match="'a' is used 2 times"):
        one(references=(twice, twice))
    with pytest.raises(SpecError, match="tuple"):
        one(references=(Reference("a", "A and B", "T", "", 2000),))


# ---- widths and breaking


@pytest.mark.parametrize(
    "line", [MEAN, EXPLICIT, CLOSED, *MONSTERS], ids=lambda line: line.left[:12]
)
def test_rows_keep_to_their_width_and_lose_nothing(line):
    found = rows(line.terms, 30, 34)
    assert max(width(row) + {"": 0, r"\quad ": 1}.get(indent, 2) for indent, row in found) <= 34
    if all(width(term) < 30 for term in line.terms):
        assert " ".join(row for _, row in found).split() == " ".join(line.terms).split()
    for row in (row for _, row in found):
        assert row.count(r"\left") - row.count(r"\leftarrow") == row.count(r"\right")
        assert row.count("{") == row.count("}")


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("a + b - c", ["a", "+ b", "- c"]),
        (r"abcdef \, \left(ghijklmn\right)", ["abcdef", r"\left(ghijklmn\right)"]),
        (
            r"\sum_{q} \, \alpha_{q}",
            [r"\sum_{q} \, \alpha_{q}"],
        ),  # a sum is not cut from its summand
        (r"N \left(aaaaaaaa + bbbbbbbb\right)^{2}", [r"N\bigl(aaaaaaaa", r"+ bbbbbbbb\bigr)^{2}"]),
        (r"\frac{aaaaaaaa + bbbbbbbbb}{2}", [r"\frac{1}{2}\bigl(aaaaaaaa", r"+ bbbbbbbbb\bigr)"]),
        (r"\int f \, g \, dx", [r"\int f", r"g \, dx"]),
        ("- a", ["- a"]),
    ],
)
def test_where_formulas_are_cut(latex, expected):
    assert [piece.text for piece in pieces(latex, 3.0)] == expected


def test_a_factor_in_a_new_row_says_that_it_multiplies():
    assert all(row.startswith(r"\times") for _, row in rows(MONSTERS[1].terms, 30, 30)[1:])


# ---- LaTeX


def test_article(document):
    text = article(document, "sources")
    assert text.count("{") == text.count("}")
    assert r"\section{Network}" in text
    assert r"\texorpdfstring{Statistics of $\kappa_{p}$" in text
    assert r"\bibliography{sources}" in text
    assert r"\cite{zhang,stein}" in text
    assert r"\eqref{eq:mean}" in text
    assert text.count(r"\label{eq:mean}") == 1
    for name in ("align", "equation", "longtable"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}")
    displays = text.count(r"\begin{align}") + text.count(r"\begin{equation}")
    assert displays == len(document.displays())
    for block in re.findall(r"\\begin\{align\}\n(.*?)\n\\end\{align\}", text, re.DOTALL):
        outside = re.sub(r"\\begin\{cases\}.*?\\end\{cases\}", "", block)
        assert outside.count(r"\\") == outside.count(r"\notag")  # one number for all rows


def test_latex_escapes(document):
    text = article(document, "x")
    assert (
        r"\& 100 \% of the ``names\_with\_underscores'' in \{braces\}, "
        r"R\&D \textless{}tags\textgreater{}, C:\textbackslash{}dir" in text
    )
    assert r"\ensuremath{\kappa} \ensuremath{\to} \ensuremath{\infty}, and \ensuremath{\$}5" in text


def test_fragment(document):
    text = fragment(document)
    assert text.startswith("% Needs ")
    assert r"\subsection*{1. Network}" in text
    assert r"\documentclass" not in text
    assert r"\begin{document}" not in text


def test_bibliography(document):
    text = bibliography(document)
    assert "@misc{zhang," in text
    assert "author = {Zhang and Yu and Tao and Shao}" in text
    assert r"microscale structure \& macroscale" in text
    assert "https://doi.org/10.1214/aos/1176345632" in text
    assert bibliography(one()) == ""


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs pdflatex")
def test_estimated_widths_are_no_narrower_than_printed_ones(tmp_path):
    lines = [MEAN, EXPLICIT, CLOSED, *MONSTERS]
    formulas = [f for line in lines for f in (line.left, *line.terms[:30]) if f and width(f) < 200]
    boxes = "".join(
        rf"\setbox0\hbox{{$\displaystyle {f}$}}\typeout{{@\the\wd0}}" + "\n" for f in formulas
    )
    head = "\\documentclass[11pt]{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
    (tmp_path / "w.tex").write_text(head + boxes + "x\\end{document}")
    output = latex(tmp_path, "w")
    printed = [float(w) / 10.95 for w in re.findall(r"^@([\d.]+)pt", output, re.MULTILINE)]
    assert len(printed) == len(formulas)
    for formula, size in zip(formulas, printed, strict=True):
        assert size <= width(formula) <= 1.5 * size + 0.5, formula


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs pdflatex")
@pytest.mark.parametrize("form", ["article", "fragment"])
def test_prints_without_complaint(document, tmp_path, form):
    (tmp_path / "sources.bib").write_text(bibliography(document))
    text = article(document, "sources")
    if form == "fragment":
        (tmp_path / "body.tex").write_text(fragment(document))
        head = (
            "\\documentclass[11pt]{article}\n"
            "\\usepackage{amsmath,amssymb,array,booktabs,longtable}\n"
            "\\usepackage[textwidth=160mm]{geometry}\n"
        )
        text = (
            head + "\\begin{document}\n\\input{body}\n"
            "\\bibliographystyle{plain}\n\\bibliography{sources}\n\\end{document}\n"
        )
    (tmp_path / "paper.tex").write_text(text)
    latex(tmp_path, "paper")
    subprocess.run(["bibtex", "paper"], cwd=tmp_path, check=True, capture_output=True)
    latex(tmp_path, "paper")
    latex(tmp_path, "paper")
    log = (tmp_path / "paper.log").read_text(errors="replace")
    assert [w for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(w) > 5] == []
    assert "undefined" not in log
    assert "multiply defined" not in log


def latex(folder, name):
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


# ---- Markdown


def test_markdown(document):
    text = markdown(document)
    assert text.startswith("# Mean-field equations")
    assert "## 1. Network" in text
    assert text.count("\n$$\n") == 2 * len(document.displays())
    assert re.findall(r"\\tag\{(\d+)\}", text) == [
        str(n + 1) for n in range(len(document.displays()))
    ]
    assert r"as in \[1, 2\]:" in text
    assert "With four populations (1) reads" in text
    assert "1. Zhang, Yu, Tao, Shao." in text
    assert r"names\_with\_underscores" in text
    assert "R&amp;D &lt;tags&gt;" in text
    assert r"\operatorname" not in text  # GitHub refuses it


def test_markdown_tables_keep_their_columns():
    text = markdown(one(Table(("a", "b"), ((r"$\left|x\right|$ | more", "$p|q$"),))))
    row = text.splitlines()[-1]
    assert len(re.findall(r"(?<!\\)\|", row)) == 3


@pytest.mark.parametrize("start", ["# no title", "- no list", "1. no list", "> no quote"])
def test_a_paragraph_stays_one_in_markdown(start):
    body = markdown(one(Prose(start))).splitlines()[-1]
    assert body.startswith(("\\", "1\\", "&gt;"))


# ---- HTML


class Balance(HTMLParser):
    """Finds elements that are not closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.targets = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "mspace"):
            self.open.append(tag)
        self.ids += [v for k, v in attrs if k == "id"]
        self.targets += [v[1:] for k, v in attrs if k == "href" and v.startswith("#")]

    def handle_endtag(self, tag):
        if tag not in ("meta", "mspace"):
            assert self.open.pop() == tag


def test_html(document):
    text = html(document)
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    assert set(parser.targets) <= set(parser.ids)
    assert '<h2 id="section-1">1. Network</h2>' in text
    assert "R&amp;D &lt;tags&gt;" in text
    assert 'as in [<a href="#ref-zhang">1</a>, <a href="#ref-stein">2</a>]' in text
    assert '<div class="display" id="eq-mean">' in text
    for outside in ("<script", "<link", "src=", "url("):
        assert outside not in text


def test_every_formula_becomes_mathml(document):
    body = html(document).split("</style>")[1]
    for formula in re.findall(r"<math.*?</math>", body):
        assert "\\" not in formula
        assert "<mi>&</mi>" not in formula
    assert body.count("&#x0003D;") > 10


def test_mathml_of_what_the_library_mends():
    assert "<mi>erf</mi>" in mathml(r"\operatorname{erf}{\left(x\right)}")
    assert "&#x027E8;" in mathml(r"\bigl\langle x \bigr\rangle")
    assert "a&#x000A0;&lt;&#x000A0;b" in mathml(r"\text{a < b}")
    assert "<mtext>E</mtext>" in mathml(r"\kappa_{\mathrm{E}}")  # upright
    assert "<munderover>" in mathml(r"\sum_{q=1}^{P} x", large=True)


@pytest.mark.parametrize("formula", ["a_b_c", r"\nonsense{x}"])
def test_a_formula_without_mathml_is_named(formula):
    with pytest.raises(SpecError, match=re.escape(formula.split("{")[0])):
        mathml(formula)


def test_the_page_of_an_article_is_the_default_width():
    assert PAGE == pytest.approx(160 * 72.27 / 25.4 / 10.95, abs=0.7)  # 160 mm in em of 10.95 pt
