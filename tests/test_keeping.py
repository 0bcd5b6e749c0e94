"""Programs kept on disk: the same results, only for the same content, whatever is in the files."""

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from motifield import keeping

TRACED = []


class Pair(NamedTuple):
    """A named tuple, which is not of this package."""

    first: jax.Array
    second: jax.Array


class Scaled(eqx.Module):
    """Arguments as a pytree with a static number."""

    values: jax.Array
    factor: float = eqx.field(static=True)


class Known:
    """A static argument that says what it is."""

    def __init__(self, content):
        self.content = content


def solved(matrix, given, power, known):
    TRACED.append(power)
    values = jnp.linalg.solve(matrix, given.values) * given.factor**power
    return {"solution": values, "nothing": None}, (values.sum(), known.content * values[0])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(keeping.FOLDER, str(tmp_path / "programs"))
    TRACED.clear()
    return tmp_path / "programs"


MATRIX = np.array([[2.0, 1.0], [0.5, 3.0]])


def answer(factor=3.0, power=2, known=5, values=(1.0, 2.0)):
    """By a function that has nothing loaded, as in another process."""
    again = keeping.kept(solved)
    return again(jnp.asarray(MATRIX), Scaled(jnp.array(values), factor), power, Known(known))


def expected(factor=3.0, power=2, known=5, values=(1.0, 2.0)):
    own = np.linalg.solve(MATRIX, values) * factor**power
    return own, own.sum(), known * own[0]


def same(found, right):
    (named, (total, first)) = found
    assert named["nothing"] is None
    got = (named["solution"], total, first)
    return all(np.allclose(a, b, rtol=1e-13) for a, b in zip(got, right, strict=True))


def test_a_program_is_made_once_for_all_numbers(folder):
    assert same(answer(), expected())
    assert len(TRACED) == 1
    assert same(answer(values=(0.3, -7.0)), expected(values=(0.3, -7.0)))
    assert len(TRACED) == 1
    (path,) = folder.iterdir()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("other", [{"factor": 2.0}, {"power": 3}, {"known": 6}])
def test_other_content_is_another_program(folder, other):
    answer()
    assert same(answer(**other), expected(**other))
    assert len(TRACED) == 2


def test_a_damaged_file_is_made_again(folder):
    answer()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    head, seal, body = whole.split(b"\n", 2)
    changed = bytearray(body)
    changed[len(changed) // 2] ^= 0xFF
    damaged = (b"", whole[:50], whole[:-7], b"\n".join([head, seal, bytes(changed)]))
    for k, text in enumerate(damaged):
        path.write_bytes(text)
        assert same(answer(), expected())
        assert len(TRACED) == k + 2
        assert same(answer(), expected())  # from the new file
        assert len(TRACED) == k + 2


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(keeping.FOLDER, str(tmp_path / "file" / "programs"))
    assert same(answer(), expected())


@pytest.mark.parametrize("argument", [lambda x: x, object()])
def test_what_has_no_content_is_not_kept(folder, argument):
    function = keeping.kept(lambda x, other: 2 * x)
    assert function(jnp.array(2.0), argument) == 4
    assert not folder.exists()


class Tabulated:
    """A static argument with a large array inside, which is no part of its content."""

    content = ("a table",)

    def __init__(self, table):
        self.table = table


@keeping.apart.register
def _(value: Tabulated):
    return [value.table], lambda arrays: Tabulated(arrays[0])


def test_large_arrays_inside_of_arguments_are_files_of_their_own(folder):
    table = np.arange(30_000.0).reshape(300, 100)

    def looked_up(tabulated, k, twice):
        TRACED.append(k)
        return jnp.asarray(tabulated.table)[k] + jnp.asarray(twice.table)[k]

    def answer():
        given = Tabulated(table)
        return keeping.kept(looked_up)(given, jnp.array(2), given)

    for _ in range(2):
        assert np.array_equal(answer(), 2 * table[2])
        assert len(TRACED) == 1
    (array,) = folder.glob(f"*{keeping.ARRAY}")
    (program,) = folder.glob(f"*{keeping.SUFFIX}")
    assert array.stat().st_size > table.nbytes > 20 * program.stat().st_size
    array.write_bytes(array.read_bytes()[:-8])
    assert np.array_equal(answer(), 2 * table[2])
    assert len(TRACED) == 2
    assert np.array_equal(answer(), 2 * table[2])
    assert len(TRACED) == 2  # the damaged file was written again
    array.unlink()
    assert np.array_equal(answer(), 2 * table[2])
    assert len(TRACED) == 3


def test_a_result_of_a_foreign_kind_is_not_kept(folder):
    function = keeping.kept(lambda x: Pair(x, 2 * x))
    assert function(jnp.array(2.0)).second == 4
    assert not folder.exists()


def test_a_call_back_to_python_is_not_kept(folder):
    def loud(x):
        jax.debug.callback(lambda _: None, x)
        return 2 * x

    assert keeping.kept(loud)(jnp.array(2.0)) == 4
    assert not folder.exists()


def test_a_system_with_other_averages_is_known_by_them(folder, system_of):
    from motifield.numerics.system.system import KNOWN_VARIANTS

    system = system_of("Max(x, 0)")
    assert system.content[-1] == KNOWN_VARIANTS[0]
    told = list(keeping._told(system))
    assert any("Architecture" in line for line in told)
    other = system_of("Max(x - 1, 0)")
    assert list(keeping._told(other)) != told
    strange = eqx.tree_at(lambda v: v, system, system)
    object.__setattr__(strange, "module", system.loaded("motifield_generated_0_of_mine"))
    with pytest.raises(keeping.Unknown):
        list(keeping._told(strange))


def test_code_as_a_transfer_function_is_not_known():
    import motifield as mf

    phi: Callable = mf.transfer.jax_function(jnp.tanh)
    system = mf.compile(mf.derive(mf.Architecture(transfer=phi), mf.MotifOnly()))
    with pytest.raises(keeping.Unknown):
        list(keeping._told(system))
