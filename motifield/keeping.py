"""Programs kept on disk: what a function of arrays was traced to, for the next process.

`kept` is `equinox.filter_jit`. Where a folder is named, which the command line does, a call looks
there first for the program of the same function, equations, shapes and versions, and then neither
traces nor lowers it. A file holds StableHLO, which JAX reads without running anything of it, and
the shape of the result as JSON; one that cannot be read is made again. Calls whose other arguments
are not known by their content, such as functions, are not kept; nor are programs where there are
several devices, among which they may be shared.

Tables of averages are arguments of a kept program, each in a file of its own: as constants they
were nearly all of it, several times over where XLA copies them into what it compiles.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import cache, partial, singledispatch, wraps
from hashlib import sha256
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .files import write_bytes
from .waiting import compiling

FOLDER = "MOTIFIELD_PROGRAMS"
"""The environment variable that names the folder, which the command line sets."""
SUFFIX, ARRAY = ".stablehlo", ".array"
PACKAGE = __name__.partition(".")[0]
GENERATED = f"{PACKAGE}_generated"
LIBRARIES = ("jax", "jaxlib", "equinox", "numpy")


Apart = tuple[list[np.ndarray], Callable[[list[Any]], Any]]


@singledispatch
def apart(value: Any) -> Apart:
    """Large arrays inside of a static argument, and the argument again with others for them."""
    return [], lambda _: value


class Unknown(Exception):
    """A value whose content is not known, or whose kind no file can hold."""


def kept(function: Callable) -> Callable:
    """The function compiled for arrays, whatever else its arguments hold, as the module says."""
    plain = eqx.filter_jit(function)
    loaded: dict[str, tuple[Callable, Any]] = {}

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        folder, given = os.environ.get(FOLDER), (args, options)
        is_traced = any(isinstance(v, jax.core.Tracer) for v in jax.tree.leaves(given))
        if not folder or is_traced or jax.local_device_count() > 1:
            with compiling():
                return plain(*args, **options)
        leaves = [np.asarray(v) for v in jax.tree.leaves(eqx.filter(given, eqx.is_array))]
        with compiling():
            try:
                key = _key(function, given)
                if key not in loaded:
                    program, shape, large = _found(Path(folder), key, function, given)
                    compiled = jax.jit(program.call).lower(*large, *leaves).compile()
                    loaded[key] = partial(compiled, *map(jnp.asarray, large)), shape
            except Unknown:
                return plain(*args, **options)
        run, shape = loaded[key]
        return _built(shape, iter(run(*leaves)), given)

    return call


def _found(folder: Path, key: str, function: Callable, given: Any) -> tuple[Any, Any, list]:
    """The program, the shape of its result, and the large arrays that come before its arguments.

    From the files, or made and written there.
    """
    path, leaves = folder / f"{key}{SUFFIX}", jax.tree.leaves(eqx.filter(given, eqx.is_array))
    with suppress(Exception):  # there is none, or it is damaged
        told, body = read_entry(path)
        large = [_array(folder / name) for name in told["large"]]
        return _program(told, [*large, *leaves], body), told["shape"], large
    program, shape, large = _made(function, given)
    told = {
        "large": [_write_array(folder, own) for own in large],
        "shape": shape,
        "results": [[list(own.shape), str(own.dtype)] for own in program.out_avals],
        "used": list(program.module_kept_var_idx),
    }
    body = program.mlir_module_serialized
    write_entry(path, told, body)
    # as it is read the next time, so that XLA keeps what it compiles of the same text
    return _program(told, [*large, *leaves], body), shape, large


def _program(told: Mapping[str, Any], leaves: list, body: bytes) -> Any:
    """StableHLO as a program that JAX can call.

    It takes the place of the code of a program that has the same arguments and results: JAX's own
    files need another library, and hold no more.
    """
    if b"lapack" in body:
        _load_lapack()
    shapes = [(tuple(shape), dtype) for shape, dtype in told["results"]]
    like = _exported(lambda *_: [jnp.zeros(*own) for own in shapes], leaves)
    used = tuple(told["used"])
    return replace(like, mlir_module_serialized=body, module_kept_var_idx=used)


@cache
def _load_lapack() -> None:
    """Let JAX load LAPACK, which it does where it lowers a call of it, and never for a program."""
    jax.jit(jax.lax.linalg.lu).lower(np.eye(1))


def _exported(function: Callable, leaves: list) -> Any:
    from jax import export

    return export.export(jax.jit(function))(*map(np.asarray, leaves))


def _made(function: Callable, given: Any) -> tuple[Any, Any, list]:
    """Trace the function of the arrays alone. Raises `Unknown` where JAX cannot export it."""
    arrays, static = eqx.partition(given, eqx.is_array)
    leaves, kind = jax.tree.flatten(arrays)
    large, supplied = _large(given)
    shape: list[Any] = []

    def of_arrays(*values: Any) -> list[Any]:
        own = jax.tree.unflatten(kind, values[len(large) :])
        args, options = supplied(eqx.combine(own, static), values[: len(large)])
        result = function(*args, **options)
        shape[:] = [_shape(result)]
        return jax.tree.leaves(result)

    try:
        program = _exported(of_arrays, [*large, *leaves])
    except (ValueError, NotImplementedError) as error:
        raise Unknown from error
    if program.ordered_effects or program.unordered_effects or program.uses_global_constants:
        raise Unknown("calls back to Python")
    return program, shape[0], large


def _large(given: Any) -> tuple[list[np.ndarray], Callable[[Any, Sequence[Any]], Any]]:
    """Large arrays inside of the equations among the arguments, and these with others for them."""
    systems = {id(own): apart(own) for own in map(_equations, [*given[0], *given[1].values()])}
    found = {id(own): own for arrays, _ in systems.values() for own in arrays}

    def supplied(given: Any, values: Sequence[Any]) -> Any:
        by_array = dict(zip(found, values, strict=True))
        new = {
            key: build([by_array[id(own)] for own in arrays])
            for key, (arrays, build) in systems.items()
            if arrays
        }

        def changed(value: Any) -> Any:
            own = _equations(value)
            if id(own) not in new:
                return value
            made = new[id(own)]
            return made if own is value else replace(value, system=made)

        args, options = given
        return [*map(changed, args)], {name: changed(value) for name, value in options.items()}

    return list(found.values()), supplied


def _equations(value: Any) -> Any:
    """The equations that an argument holds, or the argument."""
    return getattr(value, "system", value)


# ---- files


def read_entry(path: Path) -> tuple[Any, bytes]:
    """What `write_entry` wrote: what is told, and the body.

    Raises:
        OSError: there is no such file.
        ValueError: it is damaged.
    """
    head, seal, body = path.read_bytes().split(b"\n", 2)
    if _seal(head, body) != seal:
        raise ValueError(f"{path} is damaged")
    with suppress(OSError):
        os.utime(path)  # what was not used for longest is removed first
    return json.loads(head), body


def write_entry(path: Path, told: Any, body: bytes) -> None:
    """Write a file for the next process, whole or not at all, that its user alone can read.

    Args:
        path: of the file; its folder is made. One that cannot be written is no error.
        told: plain data about the body.
        body: any bytes.
    """
    head = json.dumps(told).encode()
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_bytes(path, b"\n".join([head, _seal(head, body), body]))
        path.chmod(0o600)


def _array(path: Path) -> np.ndarray:
    told, body = read_entry(path)
    return np.frombuffer(body, dtype=told["dtype"]).reshape(told["shape"])


def _write_array(folder: Path, own: np.ndarray) -> str:
    """The name of the file, which its content gives: programs share it."""
    body = np.ascontiguousarray(own).tobytes()
    name = f"{sha256(body).hexdigest()}{ARRAY}"
    write_entry(folder / name, {"dtype": str(own.dtype), "shape": list(own.shape)}, body)
    return name


def _seal(head: bytes, body: bytes) -> bytes:
    return sha256(head + b"\n" + body).hexdigest().encode()


# ---- what tells two calls apart


def _key(function: Callable, given: Any) -> str:
    said = [_versions(), f"{function.__module__}.{function.__qualname__}", *_told(given)]
    return sha256("\n".join(said).encode()).hexdigest()


@cache
def _versions() -> str:
    """Of Python, the libraries, and the files of this package that hold the functions."""
    backend = jax.default_backend()
    own = files_of(f"{PACKAGE}.numerics")
    return "\n".join([sys.version, backend, *(f"{n} {version(n)}" for n in LIBRARIES), own])


def files_of(*packages: str) -> str:
    """The files of packages and of this one with sizes and times, which change with any of them."""
    roots: list[Any] = [*(place for name in packages for place in import_module(name).__path__)]
    paths = [
        path
        for root in [*roots, Path(__file__).parent]
        for path in sorted(Path(root).rglob("*.py"))
    ]
    found = [(path, path.stat()) for path in paths]
    return "\n".join(f"{path} {own.st_size} {own.st_mtime_ns}" for path, own in found)


def _told(value: Any) -> Iterator[str]:
    """An argument in words: arrays by shape and kind, everything else by content."""
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        yield f"array {np.shape(value)} {value.dtype}"
    elif value is None or isinstance(value, (bool, int, float, complex, str)):
        yield f"{name} {value!r}"
    elif isinstance(value, (tuple, list)):
        yield f"{name if not name.startswith(GENERATED) else ''} {len(value)}"
        for part in value:
            yield from _told(part)
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)}"
        for own, part in value.items():
            yield from (*_told(own), *_told(part))
    elif isinstance(value, frozenset):
        yield f"set {len(value)}"
        yield from sorted("\n".join(_told(part)) for part in value)
    elif isinstance(value, type) and hasattr(value, "_fields"):
        yield f"type {value.__qualname__} {value._fields}"
    elif hasattr(value, "content"):
        yield name
        yield from _told(value.content)
    elif is_dataclass(value):
        yield name
        for field in fields(value):
            yield from _told(getattr(value, field.name))
    elif name.startswith("sympy."):
        import sympy

        yield sympy.srepr(value)
    else:
        raise Unknown(name)


# ---- the shape of a result, from which it is built again


def _shape(value: Any) -> Any:
    """Nested lists: an array, nothing, a mapping, a tuple, or a record of this package."""
    kind = type(value)
    if value is None:
        return "nothing"
    if isinstance(value, (jax.Array, np.ndarray)):
        return "array"
    if kind is dict:
        names = sorted(value)
        return ["mapping", names, [_shape(value[name]) for name in names]]
    if kind is tuple:
        return ["tuple", [_shape(part) for part in value]]
    if isinstance(value, eqx.Module) and kind.__module__.startswith(PACKAGE):
        parts = [getattr(value, field.name) for field in fields(value)]
    elif isinstance(value, tuple) and kind.__module__.startswith(PACKAGE):
        parts = list(value)
    else:
        raise Unknown(kind)
    module = "" if kind.__module__.startswith(GENERATED) else kind.__module__
    return ["record", [module, kind.__qualname__], [_shape(part) for part in parts]]


def _built(shape: Any, leaves: Iterator[Any], given: Any) -> Any:
    if shape == "array":
        return next(leaves)
    if shape == "nothing":
        return None
    parts = [_built(part, leaves, given) for part in shape[-1]]
    if shape[0] == "mapping":
        return dict(zip(shape[1], parts, strict=True))
    if shape[0] == "tuple":
        return tuple(parts)
    module, name = shape[1]
    return getattr(sys.modules[module] if module else _generated(given), name)(*parts)


def _generated(given: Any) -> Any:
    """The generated module of the equations among the arguments."""
    args, options = given
    for value in (*args, *options.values()):
        system = _equations(value)
        if hasattr(system, "module"):
            return system.module
    raise Unknown("no equations")
