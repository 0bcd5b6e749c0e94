"""How the site is built: pages are generated, their blocks run, their formulas turned to MathML."""

import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import notebooks
from blocks import Block, PageError, blocks, replaced
from commands import commands_page
from entries import entries_page
from formulas import with_mathml
from gallery import gallery, titles
from interface import interface, source_tree
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File
from mkdocs.utils.meta import get_data
from outside import outside
from placed import placeholder, with_outputs
from running import Ran
from runs import run_pages

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".cache" / "site"
LOG = logging.getLogger("mkdocs.hooks.blocks")

_pages: dict[str, str] = {}
_linked: dict[str, Path] = {}
_found: dict[str, list[Block]] = {}
_ran: dict[str, Ran] = {}


def on_startup(*, command, dirty):
    """The tree of sources, which plugins look for when they are set up."""
    source_tree(ROOT, KEPT / "tree")


def on_config(config):
    """The pages that are written here, and their places in the navigation."""
    _pages.clear()
    _pages.update(interface())
    _pages["commands.md"] = commands_page()
    _pages["entries.md"] = entries_page()
    _pages["changelog.md"] = (ROOT / "CHANGELOG.md").read_text()
    worked, linked = gallery(ROOT / "derivations")
    _pages.update(worked)
    _linked.clear()
    _linked.update(linked)
    config.nav = _filled(config.nav, {"gallery": titles(worked), "api": _interface_titles()})
    return config


def _interface_titles() -> list:
    names = [p for p in _pages if p.startswith("api/") and p != "api/index.md"]
    return ["api/index.md", *({f"mf.{Path(p).stem}": p} for p in names)]


def _filled(nav: list, parts: dict[str, list]) -> list:
    """The navigation with the sections that mkdocs.yml names by one word."""
    made = []
    for entry in nav:
        (title, inside), *_ = entry.items()
        made.append({title: parts.get(str(inside), inside)})
    return made


def on_files(files, config):
    """Run the blocks of all pages; pages of which one fails are an error.

    `SITE_PAGES` in the environment, parts of their addresses separated by commas, runs these alone,
    while one writes.
    """
    for place, text in _pages.items():
        files.append(File.generated(config, place, content=text))
    for place, path in _linked.items():
        files.append(File.generated(config, place, abs_src_path=str(path)))
    only = os.environ.get("SITE_PAGES", "").split(",")
    _found.clear()
    jobs, errors = {}, []
    for file in files.documentation_pages():
        text, meta = get_data(file.content_string)
        try:
            _found[file.src_uri] = blocks(text, ROOT)
        except PageError as error:
            errors.append(f"{file.src_uri}, {error}")
            continue
        run = [b for b in _found[file.src_uri] if b.kind in ("python", "console", "file")]
        if run and any(part in file.src_uri for part in only):
            given = {name: str(ROOT / path) for name, path in (meta.get("files") or {}).items()}
            jobs[file.src_uri] = (_found[file.src_uri], given)
    _ran.clear()
    _ran.update(run_pages(jobs, ROOT, KEPT / "pages"))
    errors += [ran.failure for ran in _ran.values() if ran.failure]
    if errors:
        raise PluginError("\n".join(errors))
    return files


def on_page_markdown(markdown, page, config, files):
    """A place for each output below its block, and the page's notebook."""
    source = page.file.src_uri
    ran = _ran.get(source)
    if ran is None:
        return replaced(markdown, lambda k, indent, fence, body: _shown(_found[source][k], indent))

    def one(k: int, indent: str, fence: str, body: str) -> str:
        shown = _shown(_found[source][k], indent)
        return f"{shown}\n\n{indent}{placeholder(k)}\n"

    if page.meta.get("notebook"):
        name = Path(source).with_suffix(".ipynb")
        text = notebooks.notebook(markdown, _found[source], ran)
        files.append(File.generated(config, name.as_posix(), content=text))
        link = f"[Download this page as a notebook]({name.name}){{ .md-button download }}\n\n"
        return notebooks.below_title(replaced(markdown, one), link)
    return replaced(markdown, one)


def _shown(block: Block, indent: str) -> str:
    title = block.options.get("file") or block.options.get("adds_to")
    titled = f' title="{title}"' if title else ""
    lines = "".join(indent + line for line in block.body.splitlines(keepends=True))
    return f"{indent}````{block.language}{titled}\n{lines}{indent}````"


def on_page_content(html, page, config, files):
    """Outputs at their places, and formulas as MathML."""
    ran = _ran.get(page.file.src_uri)
    if ran is not None:
        html = with_outputs(html, _found[page.file.src_uri], ran, page)
    return with_mathml(html, page.file.src_uri)


def on_post_build(config):
    """What was run, in one line; pages that load something from elsewhere are an error."""
    if found := outside(Path(config.site_dir)):
        raise PluginError("the site must work offline:\n" + "\n".join(found))
    kinds = [b.kind for found in _found.values() for b in found]
    ran = [b.kind for place in _ran for b in _found[place]]
    here = sum(kind in ("python", "console", "file") for kind in ran)
    seconds = sum(ran.processor for ran in _ran.values())
    pictures = sum(len(o.pictures) for ran in _ran.values() for o in ran.outputs)
    LOG.info(
        f"{here} blocks run on {len(_ran)} pages in {seconds:.0f} s of processor time, "
        f"{kinds.count('test')} run by tests, {pictures} pictures"
    )
