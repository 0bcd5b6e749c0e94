"""Every example of README runs, in the order in which it stands there."""

import re
from pathlib import Path

import pandas as pd
import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
SPECS = re.findall(r"^```toml\n(.*?)^```", README, re.M | re.S)

# what README leaves out as `...`
REST = """
    N=1000, fractions={"E": 0.8, "I": 0.2}, g=0.2, input=0.5, motifs=mf.Motifs.shared(tau=0.1),
    mean={"E": {"E": 0.001, "I": -0.004}, "I": {"E": 0.001, "I": -0.004}},
"""
FEWER = [("starts=64", "starts=2"), ("networks=10", "networks=2"), ("networks=8", "networks=3")]


def runnable(example: str) -> str:
    for many, few in FEWER:
        example = example.replace(many, few)
    return example.replace("    ...,\n", REST).replace("of(..., ", f"of({REST.strip()} ")


@pytest.mark.slow
def test_examples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [
        {"quantity": quantity, "population": p, "condition": name, "value": value, "error": 0.05}
        for quantity, value in (("rate_mean", 0.4), ("rate_sd", 0.2))
        for p in ("E", "I")
        for name in ("dark", "gratings")
    ]
    pd.DataFrame(rows).to_csv("rates.csv", index=False)
    pairs = [(f"n{j}", f"n{i}", 1.0 + i) for i in range(6) for j in range(6) if i != j]
    pd.DataFrame(pairs).to_csv("edges.csv", index=False, header=False)
    types = {"id": [f"n{i}" for i in range(6)], "label": ["E"] * 4 + ["I"] * 2}
    pd.DataFrame(types).to_csv("types.csv", index=False)
    assert len(EXAMPLES) > 4
    first, *others = EXAMPLES
    shared: dict = {}
    exec(compile(runnable(first), "README, example 1", "exec"), shared)
    for k, example in enumerate(others, 2):
        # an example has what the first one made, and nothing of the others
        exec(compile(runnable(example), f"README, example {k}", "exec"), dict(shared))
    assert (tmp_path / "ei.tex").is_file()
    assert (tmp_path / "fit.html").is_file()


def test_the_spec(tmp_path):
    import motifield as mf

    (example,) = (text for text in SPECS if text.startswith("title"))
    (tmp_path / "ei.toml").write_text(example)
    loaded = mf.load_spec(tmp_path / "ei.toml")
    assert loaded.title == "E/I with chains"
    assert loaded.parameters.populations == ("E", "I")
