"""How commands read networks: every option in every command, the report, and specs."""

import json
from dataclasses import fields

import numpy as np
import pytest
import typer

import motifield as mf
from motifield.cli.main import app
from motifield.cli.reading import Reading, as_flags
from motifield.errors import SpecError
from motifield.networks import ReadOptions

EDGES = """Pre , Post, type, N
n1, n2, S, 3
n2, n1, S, 10
n3, n1, S, 2
n1, n4, S, 1
n4, n3, S, 5
n2, n3, S, .5
n1, n3, EJ, 7
"""
LABELS = "n4,I\nn3,I\nn2,E\nn1,E\n"
TAKE_NETWORKS = ("measure", "ablate", "verify", "simulate", "stability", "fit")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """edges.csv and labels.csv of four neurons, in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edges.csv").write_text(EDGES)
    (tmp_path / "labels.csv").write_text(LABELS)
    return tmp_path


def test_messages_of_the_command_line_name_its_options(refused, files):
    said = (
        "give it as labels=, missing='zero', weight=None, smallest=0, self_synapses='drop' or x=1"
    )
    flags = "give it as --labels, --missing zero, --weight none, --smallest 0, --self-synapses drop"
    assert as_flags(said) == f"{flags} or x=1"
    (files / "twice.csv").write_text("pre,post,weight\na,b,1\na,b,2\nb,a,1\n")
    refused(("measure", "twice.csv"), "1 edge given more than once.*with --duplicates sum")


def test_the_command_line_has_the_options_of_python():
    names = {field.name for field in fields(Reading)}
    assert names == {"labels"} | {field.name for field in fields(ReadOptions)}


@pytest.mark.parametrize("name", TAKE_NETWORKS)
def test_every_command_that_takes_a_network_has_them(name):
    params = {own.name for own in typer.main.get_command(app).commands[name].params}
    assert {field.name for field in fields(Reading)} <= params


def test_options_reach_the_reader(files, answer):
    labelled = ("measure", "edges.csv", "--labels", "labels.csv", "--where", "type=S")
    said = answer(*labelled)
    assert said["reading"]["edges"] == 6
    assert said["reading"]["dropped_edges"] == 1
    assert said["reading"]["populations"] == {"E": 2, "I": 2}
    assert said["mean"] == [[13 / 4, 2 / 4], [1.5 / 4, 5 / 4]]
    swapped = answer(*labelled, "--pre", "Post", "--post", "Pre")
    assert np.array_equal(swapped["mean"], np.array([[13 / 4, 1.5 / 4], [2 / 4, 5 / 4]]))
    ones = answer(*labelled, "--weight", "none", "--where", "type!=EJ", "--smallest", "3")
    assert (ones["populations"], ones["mean"]) == (["other"], [[6 / 16]])


def test_a_spec_reads_with_the_same_names_and_the_command_line_changes_them(files, answer):
    spec = files / "below" / "spec.toml"
    spec.parent.mkdir()
    options = '[connectome]\nnetwork = "../edges.csv"\nlabels = "../labels.csv"\n'
    spec.write_text(options + 'where = "type=S"\nweight = "none"\n')
    assert answer("measure", spec)["mean"] == [[0.5, 0.25], [0.5, 0.25]]
    assert answer("measure", spec, "--weight", "N")["mean"][0] == [13 / 4, 2 / 4]
    (files / "others.csv").write_text(LABELS.replace("I", "X"))
    assert answer("measure", spec, "--labels", "others.csv")["populations"] == ["E", "X"]
    spec.write_text(options + 'unlabeled = "drop"\n')
    with pytest.raises(
        SpecError, match="connectome.unlabeled: unknown entry; there are unlabelled, "
    ):
        mf.load_spec(spec)


@pytest.mark.parametrize("as_json", [True, False])
def test_the_report_is_printed_by_commands_that_read_a_network(
    files, call, pair, stub, made, as_json
):
    result = made([{"population": "E"}], passed=True, criterion="fine")
    calls = stub("verification.verify_network", result)
    options = ("--network", "edges.csv", "--labels", "labels.csv", "--where", "type=S", "--shrink")
    code, out, err = call("verify", pair, *options, *(["--json"] if as_json else []))
    assert code == 0
    assert calls[0][1]["shrink"] is True
    assert calls[0][0][1].sizes == (2, 2)
    assert err.startswith("read edges.csv (text, separated by comma); column 1 (Pre) is the source")
    assert "4 neurons (E 2, I 2), 6 edges; 1 dropped edges" in err
    if as_json:
        assert json.loads(out)["reading"]["edges"] == 6


def test_graphs_in_json_are_no_specs(files, answer):
    graph = {
        "directed": True,
        "multigraph": False,
        "nodes": [{"id": "a", "kind": "E"}, {"id": "b", "kind": "I"}, {"id": "c", "kind": "I"}],
        "links": [{"source": "a", "target": "b", "weight": 2}],
    }
    (files / "g.json").write_text(json.dumps(graph))
    said = answer("measure", "g.json", "--label", "kind")
    assert said["populations"] == ["E", "I"]
    assert said["mean"] == [[0, 0], [1, 0]]


# ---- three neurons, whose motifs no equations can use

THREE = "a,b,1\na,c,1\nb,a,1\nb,c,-1\nc,a,-1\nc,b,-1\n"
SPEC = """t1 = 2.0
[architecture]
transfer = "1 + tanh(x)"
[connectome]
network = "three.csv"
input = 0.5
"""


@pytest.fixture
def three(files):
    """A spec of three neurons, each with a synapse of 1 and one of -1."""
    (files / "three.csv").write_text(THREE)
    (files / "three.toml").write_text(SPEC)
    return files / "three.toml"


def test_measure_says_that_no_equations_can_use_them(three, call, answer):
    out = call("measure", three)[1]
    assert "no equations can use population all (3 neurons): tau_con[all,all,all] = -1" in out
    shrunk = answer("measure", three, "--shrink", "--errors")
    assert shrunk["shrunk"] is True
    assert shrunk["coefficients"]["convergent"][0][0][0] == pytest.approx(0, abs=1e-8)
    assert shrunk["errors"]["coefficients"]["convergent"][0][0][0] > 0


@pytest.mark.parametrize("verb", ["integrate", "fixed-points", "stability", "verify", "ablate"])
def test_commands_refuse_them_with_the_remedy(three, refused, verb):
    err = refused((verb, three), r"population all \(3 neurons\): tau_con\[all,all,all\] = -1")
    assert "shrink" in err


def test_shrunken_motifs_are_used(three, call):
    three.write_text(SPEC + "shrink = true\n")
    code, out, err = call("integrate", three, "--json")
    assert code == 0, err
    assert json.loads(out)["reading"]["first_ids"] == ["a", "b", "c"]
    assert err.startswith("read ")
    assert call("verify", three)[0] in (0, 1)  # which is the theory's affair
