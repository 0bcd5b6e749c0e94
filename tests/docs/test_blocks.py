"""How the site runs the blocks of a page: as it is told, and no block that nothing runs."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_hooks"))

from blocks import PageError, blocks  # noqa: E402
from notebooks import notebook  # noqa: E402
from outside import outside  # noqa: E402
from placed import _value  # noqa: E402
from running import run_page  # noqa: E402


def ran(page):
    return run_page("page.md", blocks(page, ROOT), {})


def block(body, language="python", options=""):
    return f"```{language} {options}\n{body}\n```\n"


def test_blocks_share_names_and_the_last_value_is_shown():
    found = ran(block("a = 2") + "\nText.\n\n" + block("print('now')\na + 1") + block("a;"))
    assert [own.text for own in found.outputs] == ["", "now\n3\n", ""]


def test_warnings_are_part_of_the_output():
    (own,) = ran(block("import warnings\nwarnings.warn('beware')")).outputs
    assert own.text == "UserWarning: beware\n"


def test_a_block_that_fails_is_named_with_its_line():
    found = ran("# Title\n\n" + block("1/0"))
    assert found.failure.startswith("page.md, line 3: the block fails:")
    assert "ZeroDivisionError" in found.failure


def test_a_block_that_must_fail():
    (own,) = ran(block("1/0", options='raises="ArithmeticError"')).outputs
    assert own.text == "ZeroDivisionError: division by zero\n"
    assert "raises nothing" in ran(block("1", options="raises=ValueError")).failure
    assert "ZeroDivisionError" in ran(block("1/0", options="raises=ValueError")).failure


def test_a_picture_needs_words():
    draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    assert "caption" in ran(block(draw)).failure
    (own,) = ran(block(draw, options='caption="A line."')).outputs
    assert len(own.pictures) == 1
    assert "<svg" in own.pictures[0]


def test_files_and_commands():
    page = block("hello", "text", "file=a/b.txt") + block("again", "text", "adds_to=a/b.txt")
    page += block("$ cat \\\n  a/b.txt", "console") + block("$ false", "console", "status=1")
    assert [own.text for own in ran(page).outputs[2:]] == ["hello\n\nagain\n", ""]
    assert "ended with 1" in ran(block("$ false", "console")).failure
    assert "begins with" in ran(block("cat", "console")).failure
    assert "no block above" in ran(block("x", "text", "adds_to=c.txt")).failure


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (block("x = 1", "julia"), "nothing runs this block of julia"),
        (block("x = 1", options="raise=ValueError"), "unknown option 'raise'"),
        (block("x = 1", options="test=tests/nowhere.py"), "no test tests/nowhere.py"),
    ],
)
def test_a_block_that_nothing_runs_is_refused(page, message):
    with pytest.raises(PageError, match=message):
        blocks(page, ROOT)


def test_blocks_in_tabs():
    (own,) = blocks('=== "One"\n\n    ```python\n    if True:\n        x = 1\n    ```\n', ROOT)
    assert own.body == "if True:\n    x = 1\n"


def test_a_wrong_spec_is_told():
    spec = '[architecture]\npopulations = ["E"]\nclosing = "x"'
    assert "architecture.closing" in ran(block(spec, "toml", "file=e.toml")).failure


def test_a_page_as_a_notebook():
    page = "# T\n\nSee [this](b.md).\n\n" + block("1 + 1") + block("$ echo a", "console")
    made = json.loads(notebook(page, blocks(page, ROOT), ran(page)))
    text, code, command = made["cells"]
    assert text["source"] == "# T\n\nSee this."
    assert code["outputs"][0]["text"] == "2\n"
    assert command["source"] == "!echo a"


def test_what_a_site_loads_from_elsewhere(tmp_path):
    (tmp_path / "a.html").write_text(
        '<img alt="x" src="https://a.b/c.png"><a href="https://a.b">a link</a>'
        '<link rel="stylesheet" href="//a.b/c.css"><script src="own.js"></script>'
    )
    (tmp_path / "a.css").write_text(
        "@import 'https://a.b/font.css'; b { background: url(own.png) }"
    )
    found = outside(tmp_path)
    assert [own.split(": ")[0] for own in found] == ["a.html", "a.html", "a.css"]


def test_equations_in_rows():
    shown = _value(
        "latex", "$$\\begin{aligned}\na &= b \\\\\nc &= d < e\n\\end{aligned}$$", "page.md"
    )
    assert shown.count("<mtr>") == 2
