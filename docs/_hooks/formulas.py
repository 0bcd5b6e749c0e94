"""Formulas between dollars as MathML, which browsers draw without a script."""

import html as escapes
import re

from mkdocs.exceptions import PluginError

from motifield.errors import SpecError
from motifield.theory.documents import mathml

INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.S)
DISPLAY = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.S)


def with_mathml(html: str, page: str) -> str:
    """A page with its formulas in MathML.

    Raises:
        PluginError: A formula has no MathML.
    """

    def formula(latex: str, large: bool) -> str:
        latex = latex.replace("{aligned}", "{split}")  # latex2mathml knows the rows of this one
        try:
            return mathml(escapes.unescape(latex).strip(), large=large)
        except SpecError as error:
            raise PluginError(f"{page}: {error}") from error

    html = DISPLAY.sub(lambda m: f'<div class="formula">{formula(m[1], True)}</div>', html)
    return INLINE.sub(lambda m: formula(m[1], False), html)
