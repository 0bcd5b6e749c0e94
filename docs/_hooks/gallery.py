"""The gallery: the pages of the worked architectures, as they stand beside their scripts."""

import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = "gallery"
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
PICTURE = re.compile(r'<a href="([^"]+)"><img src="([^"]+)" width="(\d+)" alt="([^"]+)"></a>', re.S)


def gallery(derivations: Path) -> tuple[dict[str, str], dict[str, Path]]:
    """Pages and the files that they link to, by their places in the site."""
    pages, files = {}, {}
    for path in sorted(_readmes(derivations)):
        text = PICTURE.sub(r"[![\4](\2){ width=\3 }](\1)", path.read_text())
        text = text.replace("](../../docs/theory.md", "](../../theory.md")
        place = Path(FOLDER) / path.relative_to(derivations)
        pages[place.as_posix()] = text
        for target in LINK.findall(path.read_text()) + re.findall(r'src="([^"]+)"', text):
            linked = (path.parent / target).resolve()
            if linked.is_file() and linked.suffix != ".md":
                own = Path(FOLDER) / linked.relative_to(derivations.resolve())
                files[own.as_posix()] = linked
    return pages, files


def _readmes(derivations: Path) -> Iterator[Path]:
    yield derivations / "README.md"
    yield from derivations.glob("*/README.md")
    yield from derivations.glob("*/data/README.md")


def titles(pages: dict[str, str]) -> list[dict[str, str]]:
    """The navigation of the gallery: the overview, then its pages in the overview's order."""
    overview = f"{FOLDER}/README.md"
    order = re.findall(r"\*\*\[[^\]]+\]\(([^)]+)\)\*\*", pages[overview])
    found = [{"Overview": overview}]
    for place in order:
        own = f"{FOLDER}/{place}"
        title = re.search(r"^# (.*)", pages[own], re.M)
        assert title is not None, own
        found.append({title[1]: own})
    return found
