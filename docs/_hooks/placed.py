"""The outputs of blocks as HTML, at the places that the Markdown keeps for them."""

import re
from html import escape

from blocks import Block
from formulas import with_mathml
from running import Output, Ran

DISPLAYED = re.compile(r"\s*(\$\$?)(?:\\displaystyle)?(.*?)\1\s*", re.S)
PLACE = re.compile(r"<p>output-of-block-(\d+)</p>")


def placeholder(number: int) -> str:
    """What stands in the Markdown where the output of a block will be."""
    return f"output-of-block-{number}"


def with_outputs(html: str, blocks: list[Block], ran: Ran, page) -> str:
    """A page with the outputs of its blocks."""

    def one(match: re.Match[str]) -> str:
        number = int(match[1])
        return _output(ran.outputs[number], blocks[number], number, page.file.src_uri)

    return PLACE.sub(one, html)


def _output(output: Output, block: Block, number: int, page: str) -> str:
    parts = []
    if output.text.strip():
        kind = ' class="message"' if "raises" in block.options else ""  # whose lines may break
        parts.append(f"<pre{kind}><code>{escape(output.text.rstrip())}</code></pre>")
    for kind, text in output.shown:
        parts.append(_value(kind, text, page))
    caption = block.options.get("caption", "")
    # an inline picture needs no file; its names differ from those of the page's other pictures
    pictures = [_inline(svg, f"b{number}p{k}-", caption) for k, svg in enumerate(output.pictures)]
    if pictures:
        note = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        parts.append(f"<figure>{''.join(pictures)}{note}</figure>")
    return f'<div class="output">{"".join(parts)}</div>' if parts else ""


def _value(kind: str, text: str, page: str) -> str:
    if kind == "html":
        return f'<div class="value">{text}</div>'
    if kind == "latex" and (formula := DISPLAYED.fullmatch(text)):
        html = f'<div class="arithmatex">\\[{escape(formula[2])}\\]</div>'
        return f'<div class="value">{with_mathml(html, page)}</div>'
    import markdown

    extensions = ["tables", "pymdownx.arithmatex"]
    options = {"pymdownx.arithmatex": {"generic": True}}
    html = markdown.markdown(text, extensions=extensions, extension_configs=options)
    return f'<div class="value">{with_mathml(html, page)}</div>'


def _inline(svg: str, prefix: str, caption: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}\1)", svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}\1"', svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    label = escape(caption, quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
