"""Write the derivation of every worked architecture as LaTeX beside its spec, and compile them.

    python derivations/documents.py                    # derivations/*/derivation.tex and .bib
    python derivations/documents.py --compile pdf      # and their PDFs, into the folder pdf
    python derivations/documents.py --check            # and test every displayed equality of each

Exit status 1 when a document does not compile, has a box that is more than 5 pt too wide or an
undefined reference, or an equality fails.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jax

import motifield as mf

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
WIDEST = 5.0  # pt; narrower excess is not seen in print


def write(folder: Path) -> mf.types.Derivation:
    """The derivation of one architecture."""
    spec = mf.load_spec(folder / "spec.toml")
    derivation = mf.derive(spec.architecture, spec.closure).derivation
    derivation.save(folder / "derivation.tex", title=spec.title)
    return derivation


def compiled(folder: Path, target: Path) -> list[str]:
    """Compile a document; what is wrong with it."""
    with tempfile.TemporaryDirectory() as place:
        for suffix in ("tex", "bib"):
            shutil.copy(folder / f"derivation.{suffix}", place)
        latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "derivation"]
        for command in (latex, ["bibtex", "derivation"], latex, latex):
            subprocess.run(command, cwd=place, stdout=subprocess.DEVNULL, check=False)
        pdf, log = (
            Path(place, "derivation.pdf"),
            Path(place, "derivation.log").read_text(errors="replace"),
        )
        if not pdf.exists():
            return [line for line in log.splitlines() if line.startswith("!")][:3] or [
                "no PDF was made"
            ]
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(pdf, target / f"{folder.name}.pdf")
    wide = [w for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(w) > WIDEST]
    lost = re.findall(r"(?:Reference|Citation) `[^']+'.*undefined", log)
    return [*(f"a box is {w} pt too wide" for w in wide), *lost]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--compile",
        type=Path,
        metavar="FOLDER",
        help="compile the documents with pdflatex and put the PDFs there",
    )
    parser.add_argument("--check", action="store_true", help="test every displayed equality")
    options = parser.parse_args()
    if options.compile and not shutil.which("pdflatex"):
        parser.error(
            "there is no pdflatex: install TeX Live (texlive-latex-base, texlive-latex-recommended)"
        )
    failed = False
    for spec in sorted(HERE.glob("*/spec.toml")):
        folder, derivation = spec.parent, write(spec.parent)
        wrong = compiled(folder, options.compile) if options.compile else []
        if options.check:
            wrong += [
                f"{o.equality.title} fails: {o.error:.3g}, allowed is {o.allowed:.3g}"
                for o in derivation.check().failures
            ]
        print(f"{folder.name:28s}{'; '.join(wrong) or 'ok'}")
        failed |= bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
