"""Networks whose synapses are never stored: every product with them draws them again.

They are drawn tile by tile from counter-based random bits. The synapses are those of the Gaussian
sampler in distribution, J_ij = Jbar_pq + a_i^q + b_j^p + f_i' Gamma_pq f_j + w_ij: in-strengths,
out-strengths, features and the seed take memory proportional to N, and the list of pairs of tiles
24 (N / 1024)^2 bytes. One product of a network with itself costs N^2 random numbers; several states
at once cost no more of them. JAX code: the same on a GPU; over several devices, each draws a share
of the tiles.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..machine import require_memory
from ..networks import Network
from ..parameters import Parameters
from .field import Field
from .samplers import known_of, ready

TILE = 1024  # neurons along a tile: 8 MB in float32, and few steps of the scan
COLUMNS = 512  # of the dense matrix at once
PAIR = 48  # bytes of a pair of tiles: two integers, as they are listed, joined and compiled
BITS = ("threefry2x32", "rbg")


class MatrixFree(eqx.Module):
    """N x N synapses that are drawn when they are used; `matrix_free` makes a network with them.

    `J @ r` is for r of shape (N,) or (N, k).

    Args:
        mean: mean[p, q], (P, P).
        a: in-strengths a[i, q], (N, P).
        b: out-strengths b[j, p], (N, P).
        scale: of the residual, w_ij = scale (direct Z_ij + swapped Z_ji), (P, P).
        direct: likewise.
        swapped: likewise.
        features: f[i, k], what synapses know of neurons, (N, F); F = 0 where they know nothing.
        gamma: Gamma[p, q], assortativity, (P, P, F, F).
        key: of Z.
        labels: population of every neuron.
        tile: neurons along a tile, part of what the seed means.
        devices: that share the work.
    """

    mean: Float[Array, "P P"]
    a: Float[Array, "N P"]
    b: Float[Array, "N P"]
    scale: Float[Array, "P P"]
    direct: Float[Array, "P P"]
    swapped: Float[Array, "P P"]
    features: Float[Array, "N F"]
    gamma: Float[Array, "P P F F"]
    key: Any
    labels: Any
    tile: int = eqx.field(static=True)
    devices: tuple[Any, ...] = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int]:
        """(N, N)."""
        return len(self.labels), len(self.labels)

    @property
    def dtype(self) -> np.dtype:
        """Of the synapses."""
        return np.dtype(self.a.dtype)

    def __repr__(self) -> str:
        N = self.shape[0]
        return f"MatrixFree of {N} x {N} synapses, {self.dtype}, in tiles of {self.tile}"

    def __matmul__(self, r: Any) -> Any:
        return (
            _product(self, jnp.asarray(r, self.dtype)[:, None])[:, 0]
            if jnp.ndim(r) == 1
            else _product(self, jnp.asarray(r, self.dtype))
        )

    def dense(self) -> np.ndarray:
        """The matrix itself, for networks that fit into memory."""
        N = self.shape[0]
        require_memory(2 * N**2 * self.dtype.itemsize, f"the matrix of {N} neurons")
        columns = [
            np.arange(N)[:, None] == np.arange(k, min(k + COLUMNS, N)) for k in range(0, N, COLUMNS)
        ]
        return np.concatenate([np.asarray(self @ own) for own in columns], axis=1)


def matrix_free(
    parameters: Parameters,
    seed: int,
    *,
    dtype: Any = np.float32,
    tile: int = TILE,
    bits: str = "threefry2x32",
    devices: Any = None,
) -> Network:
    """A Gaussian network whose synapses are drawn again at each use (`MatrixFree`).

    It is for `simulate`; `measure`, `save` and spectra need `network.weights.dense()`. It is
    another network than `sample` draws from the seed. A seed is the same network in both
    precisions, since Z is drawn in float32; but sums of a synapse's parts are in the precision of
    the network, so that float32 is the rounded float64 up to the rounding of these sums alone.

    Args:
        parameters: of the ensemble.
        seed: with tile and bits it decides the network.
        dtype: float32 or float64, of synapses and products.
        tile: neurons along a tile.
        bits: "threefry2x32", the same on every device, or "rbg", faster, whose numbers may differ
            between kinds of devices.
        devices: JAX devices that share the tiles; by default the first one.

    Raises:
        ParameterError: options that cannot be used; otherwise as `sample`.
    """
    if tile < 1 or bits not in BITS:
        raise ParameterError(
            f"tile = {tile} must be at least 1, bits = {bits!r} one of {', '.join(BITS)}"
        )
    seed, dtype, labels = ready(
        parameters, seed, dtype, lambda asked, kind: _memory(asked, kind, tile)
    )
    own = Field.of(parameters, seed)
    names = ("a", "b", "scale", "direct", "swapped", "features", "gamma")
    given: dict[str, Any] = {
        "mean": parameters.mean,
        **{name: getattr(own, name) for name in names},
    }
    key = jax.random.key(int(np.random.SeedSequence([seed, 2]).generate_state(1)[0]), impl=bits)
    arrays: dict[str, Any] = {name: jnp.asarray(np.asarray(v), dtype) for name, v in given.items()}
    weights: Any = MatrixFree(
        **arrays,
        key=key,
        labels=jnp.asarray(labels),
        tile=int(tile),
        devices=tuple(devices or jax.devices()[:1]),
    )
    return Network(
        weights,
        parameters.populations,
        labels,
        seed,
        parameters,
        *known_of(own, parameters),
    )


def _memory(parameters: Parameters, dtype: np.dtype, tile: int) -> float:
    """Bytes of strengths while they are drawn, and of the list of pairs of tiles."""
    N, P = float(sum(parameters.sizes)), parameters.P
    drawn = N * 8 * (3 * 2 * P + P + 2)  # factors, their sums and both together; rows; offsets
    kept = N * (2 * P * dtype.itemsize + 8)
    return drawn + kept + PAIR * (N / tile) ** 2 / 2


@eqx.filter_jit
def _product(J: MatrixFree, r: Float[Array, "N k"]) -> Float[Array, "N k"]:
    N, P = J.a.shape
    by_source = jax.ops.segment_sum(r, J.labels, P)
    low_rank = (J.mean @ by_source)[J.labels] + J.a @ by_source + (J.b.T @ r)[J.labels]
    if J.features.shape[1]:
        sums = jax.ops.segment_sum(J.features[:, :, None] * r[:, None, :], J.labels, P)
        onto = jnp.einsum("pqkl,qlm->pkm", J.gamma, sums)
        low_rank += jnp.einsum("ik,ikm->im", J.features, onto[J.labels])
    count = -(-N // J.tile)
    padding = count * J.tile - N
    padded = jnp.pad(r, ((0, padding), (0, 0))).reshape(count, J.tile, -1)
    labels = jnp.pad(J.labels, (0, padding)).reshape(count, J.tile)
    pairs = np.stack(np.triu_indices(count), axis=1)
    if len(J.devices) == 1:
        made = _tiles(J, padded, labels, jnp.asarray(pairs))
    else:
        # a pair (count, count) is none: it fills up the last share
        fill = -len(pairs) % len(J.devices)
        shares = np.concatenate([pairs, np.full((fill, 2), count)])
        mesh = Mesh(np.array(J.devices), ("share",))
        each = jax.shard_map(
            lambda own: jax.lax.psum(_tiles(J, padded, labels, own), "share"),
            mesh=mesh,
            in_specs=PartitionSpec("share"),
            out_specs=PartitionSpec(),
            check_vma=False,
        )
        made = each(jnp.asarray(shares))
    return low_rank + made.reshape(count * J.tile, -1)[:N]


def _tiles(J: MatrixFree, r: Array, labels: Array, pairs: Array) -> Array:
    """Products of the residual's tiles with r, (tiles, tile, k), by pairs (i, j), i <= j."""

    P, k = len(J.scale), r.shape[-1]
    direct, swapped, alone = (
        J.scale * J.direct,
        J.scale * J.swapped,
        J.scale * (1 - J.direct - J.swapped),
    )
    # by population of the source, so that factors of blocks come after the products
    apart = (jax.nn.one_hot(labels, P, dtype=J.dtype)[..., None] * r[:, :, None, :]).reshape(
        len(r), J.tile, P * k
    )

    def mixed(targets: Array, one: Array, other: Array) -> Array:
        """sum over q of direct[p, q] one[:, q] + swapped[p, q] other[:, q].

        p is the population of each target.
        """
        parts = (
            jnp.einsum("iq,iqk->ik", table[targets], sums.reshape(-1, P, k))
            for table, sums in ((direct, one), (swapped, other))
        )
        return sum(parts, jnp.zeros((), J.dtype))

    def add(y: Array, pair: Array) -> tuple[Array, None]:
        i, j = pair[0], pair[1]
        there = (i < len(r)).astype(J.dtype)
        key = jax.random.fold_in(jax.random.fold_in(J.key, i), j)
        # of float32, so that a seed is the same network in both precisions
        Z = jax.random.normal(key, (2, J.tile, J.tile), jnp.float32).astype(J.dtype)
        on_diagonal = i == j
        upper, lower = Z[0], jnp.where(on_diagonal, Z[0], Z[1])
        here = mixed(labels[i], upper @ apart[j], lower.T @ apart[j])
        back = mixed(labels[j], lower @ apart[i], upper.T @ apart[i])
        # a synapse onto oneself has no partner to mix with
        own = alone[labels[i], labels[i]] * jnp.diagonal(upper)
        y = y.at[i].add(
            there * (here + jnp.where(on_diagonal, own[:, None] * r[i], 0)), mode="drop"
        )
        return y.at[j].add(jnp.where(on_diagonal, 0, there) * back, mode="drop"), None

    return jax.lax.scan(add, jnp.zeros_like(r), pairs)[0]
