"""Help, and how every command ends: files, JSON, table, exit status."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import typer
import xarray as xr
from matplotlib.figure import Figure
from rich.text import Text
from typer.testing import CliRunner

import motifield as mf
from motifield import __version__
from motifield.cli.application import command, literal
from motifield.cli.main import app
from motifield.cli.model import Model
from motifield.cli.output import Out
from motifield.cli.reading import Reading
from motifield.numerics import plots
from motifield.numerics.results import Code, Status


def test_every_command_has_help():
    names = [c.name or c.callback.__name__ for c in app.registered_commands]
    assert {
        "derive",
        "integrate",
        "fixed-points",
        "stability",
        "bifurcate",
        "phase-diagram",
        "response",
        "dmft",
        "average",
    } <= set(names)
    for name in names:
        shown = CliRunner().invoke(app, [name, "--help"])
        assert shown.exit_code == 0
        assert "--json" in shown.output or name == "explore"  # a page prints nothing


def test_help_texts_are_shown_as_they_are_written():
    """Small letters between brackets are no markup, which would vanish."""
    for name, own in typer.main.get_command(app).commands.items():
        shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "5000"}).output
        shown = " ".join(shown.split())
        about = (own.help or "").split("\n\n")
        for text in [*about, *(getattr(p, "help", None) or "" for p in own.params)]:
            assert " ".join(text.replace("\\[", "[").split()) in shown
    assert "A spec with [connectome]" in CliRunner().invoke(app, ["measure", "--help"]).output


@pytest.mark.parametrize("text", ["[connectome]", "[/] [bold] [#x]", "tau_con[E,E,I]", "[1, 2]"])
def test_rich_shows_literal_texts_as_they_are(text):
    assert Text.from_markup(literal(text)).plain == text


def test_messages_with_brackets_are_whole(call):
    code, _, err = call("derive", "[bold]network.toml")
    assert code == 2
    assert "[bold]network.toml" in err


def test_a_group_stands_for_its_options():
    """In its place among the others, with a field that a simulation has of its own."""
    params = typer.main.get_command(app).commands["simulate"].params
    names = [param.name for param in params]
    assert names[:5] == ["spec", "network", "seed", "size", "t1"]
    assert names[5:-3] == [field.name for field in fields(Reading)]
    assert names[-3:] == ["output", "plot", "as_json"]


def test_two_options_of_one_name_are_an_error():
    def clash(model: Model, *, settings: str = "", out: Out):
        raise AssertionError("never called")

    before = len(app.registered_commands)
    with pytest.raises(ValueError, match="duplicate parameter name: 'settings'"):
        command()(clash)
    assert len(app.registered_commands) == before


def test_version(call):
    assert call("--version")[:2] == (0, f"motifield {__version__}\n")


def test_the_package_runs_as_a_module():
    own = [sys.executable, "-m", "motifield", "--version"]
    shown = subprocess.run(own, capture_output=True, text=True, check=True).stdout
    assert shown == f"motifield {__version__}\n"


@pytest.fixture
def result(made):
    data = xr.Dataset({"rate": ("population", [0.5, 1.5])}, coords={"population": ["E", "I"]})
    return made([{"population": "E", "rate": 0.5}], dataset=data)


def test_a_result_is_written_drawn_and_printed(result, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(plots, "draw_result", lambda own, **options: Figure(**options))
    for suffix in (".nc", ".csv", ".json"):
        Out(output=tmp_path / f"r{suffix}").conclude(result, "A pair")
    Out(plot=tmp_path / "r.png").conclude(result, "A pair", drawing={"figsize": (2, 1)})
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    loaded = mf.load(tmp_path / "r.nc")
    assert loaded["rate"].values.tolist() == [0.5, 1.5]
    assert (loaded.title, loaded.status) == ("made", "ok")
    assert (tmp_path / "r.csv").read_text() == "population,rate\nE,0.5\nI,1.5\n"
    assert json.loads((tmp_path / "r.json").read_text())["data_vars"]["rate"]["data"] == [0.5, 1.5]
    out = capsys.readouterr().out
    assert out.count("A pair") == 4
    assert "population" in out


def test_other_numbers_rows_and_entries_can_stand_in(result, tmp_path, capsys):
    other = result.dataset.isel(population=[1])
    Out(output=tmp_path / "r.csv").conclude(result, "", numbers=other)
    assert (tmp_path / "r.csv").read_text() == "population,rate\nI,1.5\n"
    capsys.readouterr()
    Out(as_json=True).conclude(result, "", more={"network": "sampled"})
    assert json.loads(capsys.readouterr().out) == {
        "status": "ok",
        "rows": [{"population": "E", "rate": 0.5}],
        "network": "sampled",
    }
    Out(as_json=True).conclude(result, "", answer={"gain": float("inf"), "z": 1 + 2j})
    assert json.loads(capsys.readouterr().out) == {"gain": None, "z": [1.0, 2.0]}
    Out().conclude(result, "Chains", rows=[], then=lambda: typer.echo("after"))
    assert capsys.readouterr().out == "Chains: none\nafter\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_not_ok_is_printed_and_has_status_1(result, capsys, as_json):
    result.status = Status("incomplete: no end", Code.INCOMPLETE)
    with pytest.raises(typer.Exit) as stop:
        Out(as_json=as_json).conclude(result, "A pair")
    assert stop.value.exit_code == 1
    assert ("incomplete" if as_json else "0.5") in capsys.readouterr().out
    Out(as_json=as_json).conclude(result, "A pair", ok=True)
    result.status = Status()
    with pytest.raises(typer.Exit):
        Out(as_json=as_json).conclude(result, "A pair", ok=False)


def test_help_and_import_load_neither_jax_nor_sympy():
    code = (
        "import sys, motifield, motifield.cli.main as m; "
        "m.app(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(sys.prefix),
    )
    modules = shown.stdout.rsplit("\n", 2)[-2]
    assert not {"'jax'", "'sympy'", "'numpy'", "'motifield.theory'", "'motifield.numerics'"} & set(
        modules.strip("[]").split(", ")
    )
