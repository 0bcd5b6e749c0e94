"""Names of entries: different indices make different names, and names say their indices."""

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from motifield.theory.notation import entry_name, entry_of

names = st.text("ab_{}1", min_size=1, max_size=4)


@given(st.lists(names, min_size=2, max_size=4, unique=True), st.sampled_from(["", "2", "13"]))
@settings(max_examples=300, deadline=None)
def test_names_are_different_and_are_read_back(populations, mark):
    every = range(len(populations))
    made = {}
    # of several membranes, kappa has two indices
    for base, rank in (("K", 1), ("g", 2), ("tau_chn", 3), ("kappa", 1), ("kappa", 2)):
        own = mark if base in ("K", "kappa") else ""
        for indices in itertools.product(every, repeat=rank):
            name = entry_name(f"{base}{own}", indices, populations)
            expected = (base, own, tuple(populations[k] for k in indices))
            assert entry_of(name, populations) == expected
            made.setdefault(name, set()).add(expected)
    assert all(len(meanings) == 1 for meanings in made.values())


@pytest.mark.parametrize("base", ["transfer_gain", "membrane_tau_a", "synapse_a_b"])
@given(st.lists(names, min_size=2, max_size=3, unique=True))
@settings(max_examples=100, deadline=None)
def test_parameters_of_functions_too(base, populations):
    family, _, own = base.partition("_")
    for k, population in enumerate(populations):
        assert entry_of(entry_name(base, (k,), populations)) == (family, own, (population,))


def test_usual_names_are_plain():
    assert entry_name("tau_chn", (0, 0, 1), ("E", "I")) == "tau_chn_EEI"
    assert entry_name("tau_chn", (0, 1, 0), ("E", "PV")) == "tau_chn_E_PV_E"
    assert entry_name("g", (0, 1), ("a", "a_a")) == "g_a_{a_a}"


def test_other_symbols_are_all_base():
    assert entry_of("N") == ("N", "", ())
    assert entry_of("unknown_E") == ("unknown_E", "", ())
