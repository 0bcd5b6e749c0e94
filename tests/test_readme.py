"""README's example runs, it is short, and what it links to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
LONGEST = 6000  # bytes: the rest is on the site


def test_it_is_short():
    assert len(README.encode()) <= LONGEST


def test_its_links_are_there():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(targets) > 10
    assert [target for target in targets if not (ROOT / target).is_file()] == []


@pytest.mark.parametrize("command", ["demo", "test", "docs"])
def test_its_commands_are_those_of_the_makefile(command):
    assert f"make {command}" in README
    assert re.search(rf"^{command}: \$\(ENV\)", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.slow
def test_the_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = EXAMPLES
    for many, few in (("networks=8", "networks=3"), ("t1=50.0", "t1=5.0")):
        assert many in example
        example = example.replace(many, few)
    exec(compile(example, "README", "exec"), {})
    assert (tmp_path / "ei.tex").is_file()
    assert (tmp_path / "report.html").is_file()
