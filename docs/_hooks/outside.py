"""What pages of the site load from elsewhere: nothing, so that it works offline."""

import re
from pathlib import Path

LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=[\"'](?:https?:)?//[^\"']+"
    r"|<link\b[^>]*\bhref=[\"'](?:https?:)?//[^\"']+"
)
STYLED = re.compile(r"url\([\"']?(?:https?:)?//[^)]+|@import\s+[\"'](?:https?:)?//[^\"']+")


def outside(site: Path) -> list[str]:
    """Where pages and style sheets load from elsewhere, with the place."""
    found = []
    for path in site.rglob("*.html"):
        found += [f"{path.relative_to(site)}: {own}" for own in LOADED.findall(path.read_text())]
    for path in site.rglob("*.css"):
        found += [f"{path.relative_to(site)}: {own}" for own in STYLED.findall(path.read_text())]
    return found
