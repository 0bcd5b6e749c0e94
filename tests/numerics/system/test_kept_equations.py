"""Equations kept on disk: what numbers take from them is there without deriving them again."""

import datetime
import json
import os
import pickle

import numpy as np
import pytest

import motifield as mf
from motifield import keeping
from motifield.numerics.distributions import breaks
from motifield.numerics.spec import equations_of
from motifield.numerics.system import Autonomous, KeptEquations, Units
from motifield.numerics.system.recalled import Recalled

PLAIN = {
    "populations": ["E", "I"],
    "transfer": "1 + erf(x - 1)",
    "motifs": ["convergent", "divergent", "chain", "reciprocal"],
    "membrane": "1/(1 + s)",
    "synapse": "1",
    "inputs": [],
    "closure": "second-moment",
}
SECTIONS = {
    "plain": PLAIN,
    "bent, with parameters": PLAIN
    | {"transfer": {"expression": "k*Max(x - theta, 0)", "k": 2, "theta": 0.3}},
    "two functions": PLAIN | {"transfer": ["1 + erf(x)", {"function": "power_law", "exponent": 2}]},
    "filters": PLAIN
    | {
        "membrane": {"E": {"function": "adapting", "strength": 0.5}, "I": "1/(1 + s/2)"},
        "synapse": {"function": "gamma_delay", "delay": 0.3, "order": 2},
        "closure": "low-rank",
    },
    "rates, inputs": PLAIN
    | {
        "membrane": "1",
        "synapse": {"function": "exponential", "tau": 0.02},
        "inputs": ["in-strength", "spread"],
    },
    "static": PLAIN | {"closure": "cavity"},
}


def derived(section):
    return mf.derive(*equations_of(section))


def never():
    raise AssertionError("the equations were derived again")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(keeping.FOLDER, str(tmp_path / "programs"))
    return tmp_path / "programs"


@pytest.fixture(params=SECTIONS, scope="module")
def both(request, tmp_path_factory):
    """The system as it was derived, and as another process finds it."""
    section = SECTIONS[request.param]
    whole = derived(section)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(keeping.FOLDER, str(tmp_path_factory.mktemp("kept") / "programs"))
        KeptEquations(section, lambda: whole).made()
        return mf.compile(whole), KeptEquations(section, never).found()


def parameters(system):
    par = mf.Parameters.of(
        populations=["E", "I"], N=400, fractions=[0.8, 0.2], mean=-0.002, g=0.3, input=0.5
    )
    return system.complete(par)


def test_what_is_recalled_is_what_was_derived(both):
    whole, found = both

    def same(own, true):
        for name, value in own._known.items():
            if name in ("bend_code", "code", "filter_index", "transfer_index", "distinct_filters"):
                continue  # compared by what they give
            right = getattr(true, name)
            if isinstance(value, Recalled):
                same(value, right)
            elif isinstance(value, tuple) and value and isinstance(value[0], Recalled):
                for one, other in zip(value, right, strict=True):
                    same(one, other)
            elif name in ("defaults", "exponents"):
                assert [str(s) for s in value] == [str(s) for s in right]
                assert [s.is_positive for s in value] == [s.is_positive for s in right]
            elif name == "transfer_parameters":
                right = {n: tuple(map(float, v)) for n, v in right.items()}
                assert value == right
            else:
                assert value == right, name

    same(found.mean_field, whole.mean_field)
    assert found.source == whole.source
    assert found.title == whole.title


def test_numbers_need_nothing_else(both):
    whole, found = both
    par = parameters(whole)
    assert parameters(found).transfer.keys() == par.transfer.keys()
    found.check(par)
    ours, true = (Units.of(s.mean_field.architecture, par) for s in (found, whole))
    assert repr(ours) == repr(true)
    assert (ours.longest, ours.shortest) == (true.longest, true.shortest)
    assert [breaks(found, par, p) for p in range(2)] == [breaks(whole, par, p) for p in range(2)]
    moving = [Autonomous(s, 2).moving for s in (found, whole)]
    assert np.array_equal(*moving)
    for kind in ("membrane", "synapse"):
        own = [s.mean_field.architecture.filter_index(kind, 2) for s in (found, whole)]
        assert own[0] == own[1]
    assert found.module is whole.module  # of the same source


def test_formulas_are_derived_when_they_are_asked_for(folder):
    whole = derived(PLAIN)
    KeptEquations(PLAIN, lambda: whole).made()
    found = KeptEquations(PLAIN, lambda: whole).found()
    assert found.mean_field.latex() == whole.latex()
    assert found.mean_field.architecture.filter_index("membrane", 3) == (0, 0, 0)
    assert "tanh" not in str(found.mean_field)


def test_what_is_found_goes_to_another_process_as_what_it_was_derived_from(folder):
    whole = derived(PLAIN)
    KeptEquations(PLAIN, lambda: whole).made()
    found = KeptEquations(PLAIN, lambda: whole).found()
    again = pickle.loads(pickle.dumps(found))
    assert again.source == found.source
    assert again.mean_field.architecture == whole.architecture


def test_other_content_is_not_found(folder):
    KeptEquations(PLAIN, lambda: derived(PLAIN)).made()
    for other in ({"closure": "low-rank"}, {"transfer": "1 + erf(x - 2)"}, {"inputs": ["spread"]}):
        assert KeptEquations(PLAIN | other, never).found() is None


def test_the_first_process_has_the_system_that_the_next_one_finds(folder):
    made = KeptEquations(PLAIN, lambda: derived(PLAIN)).made()
    found = KeptEquations(PLAIN, never).found()
    assert made == found
    assert hash(made) == hash(found)
    assert list(keeping._told(made)) == list(keeping._told(found))
    other = KeptEquations(PLAIN | {"closure": "low-rank"}, lambda: derived(PLAIN)).made()
    assert other != made  # by what was said, though the source is the same


def test_damaged_and_foreign_files_are_not_read(folder):
    KeptEquations(PLAIN, lambda: derived(PLAIN)).made()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    told, body = keeping.read_entry(path)
    assert json.loads(told["said"]) == PLAIN

    def found(text=None, **changed):
        if text is None:
            keeping.write_entry(path, told | changed, body)
        else:
            path.write_bytes(text)
        return KeptEquations(PLAIN, never).found()

    assert found(whole) is not None
    for text in (b"", whole[:200], whole[:-3], whole.replace(b"def rates", b"def ratez")):
        assert found(text) is None
    assert found(said="{}") is None
    assert found(facts={}) is None
    assert found(facts=None) is None
    made = KeptEquations(PLAIN, lambda: derived(PLAIN)).made()
    assert KeptEquations(PLAIN, never).found() == made


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners")
def test_code_that_others_could_have_written_is_not_run(folder):
    KeptEquations(PLAIN, lambda: derived(PLAIN)).made()
    folder.chmod(0o770)
    assert KeptEquations(PLAIN, never).found() is None


def test_what_no_file_can_hold_is_not_kept(folder):
    dated = PLAIN | {"transfer": {"expression": "x + k", "k": datetime.date(2026, 6, 1)}}
    assert KeptEquations(dated, never).found() is None
    assert not folder.exists()


def test_nothing_is_kept_without_a_folder_or_names_of_populations(tmp_path, monkeypatch, folder):
    unnamed = PLAIN | {"populations": None}
    KeptEquations(unnamed, lambda: derived(unnamed)).made()
    assert not folder.exists()
    monkeypatch.delenv(keeping.FOLDER)
    kept = KeptEquations(PLAIN, lambda: derived(PLAIN))
    assert kept.found() is None
    assert kept.made() == mf.compile(derived(PLAIN))
    assert not list(tmp_path.iterdir())
