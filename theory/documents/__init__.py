"""Documents of numbered steps, written as LaTeX, HTML and Markdown; knows no theory."""

from .document import Display, Document, Line, Prose, Reference, Section, Table
from .to_html import html, mathml
from .to_latex import PAGE, article, bibliography, fragment
from .to_markdown import markdown

__all__ = [
    "PAGE",
    "Display",
    "Document",
    "Line",
    "Prose",
    "Reference",
    "Section",
    "Table",
    "article",
    "bibliography",
    "fragment",
    "html",
    "markdown",
    "mathml",
]
