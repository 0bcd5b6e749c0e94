"""Random networks with prescribed first- and second-order synaptic statistics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError, ParameterError
from ..machine import in_threads, require_memory
from ..networks import Network, as_seed
from ..parameters import Parameters, check_feasible
from .field import Field, aligned

Progress = Callable[[float], None]
LABEL = 8  # bytes of the index of a neuron's population


class Drawn(NamedTuple):
    """Synapses J[i, j] from j onto i, (N, N), dense or CSR, and what is known of the neurons.

    `rows`, `offsets`, `columns` and `features` are those of `Network`, None where a sampler does
    not know them.
    """

    weights: np.ndarray | sps.csr_array
    rows: np.ndarray | None = None
    offsets: np.ndarray | None = None
    columns: np.ndarray | None = None
    features: dict[str, np.ndarray] | None = None


def known_of(field: Field, parameters: Parameters) -> tuple[Any, ...]:
    """`Drawn` of a Gaussian field without its synapses."""
    rows, own = float(parameters.N) * field.a, parameters.strengths
    if own is None:
        return rows, field.offsets
    features = dict(zip(own.features, field.features.T, strict=True))
    return rows, field.offsets, field.b, features or None


class Sampler(ABC):
    """A way to draw the synapses of a network.

    Final classes implement `weights`, or `draw` where they know more of each neuron.
    Where `draws_strengths` is false, strengths are Gaussian, and `sample` refuses parameters that
    state others.
    """

    @property
    def draws_strengths(self) -> bool:
        """Whether it draws strengths of any distribution, and assortativity."""
        return False

    @abstractmethod
    def weights(
        self, parameters: Parameters, rng: np.random.Generator, dtype: np.dtype
    ) -> np.ndarray | sps.csr_array:
        """Synapses J[i, j] from j onto i, (N, N), neurons in the order of their populations."""

    def draw(self, parameters: Parameters, seed: int, dtype: np.dtype, say: Progress) -> Drawn:
        """The synapses, and what is known of each neuron; say: called with the fraction done."""
        return Drawn(self.weights(parameters, np.random.default_rng(seed), dtype))

    def memory(self, parameters: Parameters, dtype: np.dtype) -> float:
        """Bytes that a network takes while it is drawn; a matrix unless a sampler knows better."""
        return 2.0 * sum(parameters.sizes) ** 2 * dtype.itemsize


class TiledSampler(Sampler):
    """Draws a `Field` tile by tile, shared by several threads; `draw` takes the seed."""

    threads: int | None

    def weights(self, parameters, rng, dtype):
        return self.draw(parameters, int(rng.integers(2**63)), dtype, lambda fraction: None).weights

    def memory(self, parameters, dtype):
        return 1.02 * sum(parameters.sizes) ** 2 * dtype.itemsize + 2**27

    def tile_by_tile(
        self, field: Field, place: Callable[[int, int, np.ndarray], None], say: Progress
    ) -> None:
        """Call place(i, j, w) for every tile, w its residual, a new array."""

        def both(pair: tuple[int, int]) -> None:
            i, j = pair
            upper, lower = field.residual(i, j)
            place(i, j, upper)
            if i != j:
                place(j, i, lower)

        for done in in_threads(both, list(field.pairs()), self.threads):
            say(done)


@dataclass(frozen=True)
class Gaussian(TiledSampler):
    """Jointly Gaussian synapses with exactly the given means, variances and motif correlations.

    J_ij = Jbar_pq + a_i^q + b_j^p + w_ij, i in p, j in q, as in `docs/theory.md`, section 1.2, with
    f_i' Gamma_pq f_j more where synapses know features of their neurons; (a, b, f) of a neuron is
    drawn from its population's mixture (section 6.1), of which total strengths stay functions. The
    offset xi_i of the neuron's input is standard normal, independent of the a, and
    N Cov(b_i^p, xi_i) = sqrt(N) g_pq tau_inp[p, q]. Exact at every N: nothing is asymptotic. Tiles
    are drawn straight into the matrix.

    Args:
        threads: how many draw, all cores unless given; their number changes nothing.
    """

    threads: int | None = None

    @property
    def draws_strengths(self) -> bool:
        return True

    def draw(self, parameters, seed, dtype, say):
        field, mean = Field.of(parameters, seed), np.asarray(parameters.mean)
        J = aligned(field.N, dtype)

        def place(i: int, j: int, w: np.ndarray) -> None:
            (p, rows), (q, columns) = field.tiles[i], field.tiles[j]
            in_row, in_column = field.strengths(i, j)
            w += in_row + mean[p, q]
            if (assorted := field.assorted(i, j)) is not None:
                w += assorted
            np.add(w, in_column, out=J[rows, columns])

        self.tile_by_tile(field, place, say)
        return Drawn(J, *known_of(field, parameters))


def sample(
    parameters: Parameters,
    seed: int,
    *,
    sampler: Sampler | None = None,
    dtype: Any = np.float64,
    progress: Callable[[str, float], None] | None = None,
) -> Network:
    """A network drawn from the ensemble that `parameters` describe.

    Neurons are ordered by population, `parameters.sizes` of them. A neuron's synapse onto itself
    has its block's mean, and Gaussian ones the variance g_pp^2 / N (1 + 2 tau_chn[p,p,p]), since
    both strengths of the neuron meet in it. The network carries the parameters, and `rows` and
    `offsets` for the heterogeneous inputs `in_strength` and `spread`; with `parameters.strengths`
    its out-strengths and features, too.

    Args:
        parameters: means, variances and motifs of the synapses.
        seed: the same one gives the same network, in both precisions: float32 is float64 rounded.
        sampler: how to draw; `Gaussian()` by default.
        dtype: float64 or float32, of the synapses.
        progress: called as progress("sampling", part).

    Returns:
        The network.

    Raises:
        InfeasibleStatisticsError: no network has these statistics.
        ParameterError: strengths of a given network, or a sampler that draws Gaussian ones alone.
        NetworkError: a seed that is not an integer >= 0, an empty population, or a matrix that does
            not fit into memory (estimated before anything is allocated).
    """
    how, say = sampler or Gaussian(), progress or (lambda what, fraction: None)
    if parameters.strengths is not None and not how.draws_strengths:
        raise ParameterError(
            f"{type(how).__name__} with these options draws Gaussian strengths without "
            "assortativity or patterns; these parameters have others: use Gaussian(), or for "
            "sparse networks Sparse(probability, marginal) without presence and weight_motifs, "
            "or parameters.replace(strengths=None)"
        )
    seed, dtype, labels = ready(parameters, seed, dtype, how.memory)
    drawn = how.draw(parameters, seed, dtype, lambda fraction: say("sampling", fraction))
    known: dict[str, Any] = drawn._asdict()
    return Network(known.pop("weights"), parameters.populations, labels, seed, parameters, **known)


def ready(
    parameters: Parameters, seed: Any, dtype: Any, memory: Callable[[Parameters, np.dtype], float]
) -> tuple[int, np.dtype, np.ndarray]:
    """Seed, dtype and labels of a network that can be drawn in this memory. Raises as `sample`."""
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise NetworkError(f"dtype {dtype} cannot hold synapses: use float64 or float32")
    seed, sizes = as_seed(seed), parameters.sizes
    if min(sizes) < 1:
        empty = parameters.populations[int(np.argmin(sizes))]
        raise NetworkError(
            f"population {empty} has no neuron at N = {sum(sizes)}: use more neurons"
        )
    check_feasible(parameters)
    N = sum(sizes)
    needed = memory(parameters, dtype) + LABEL * N  # before anything of this size is made
    require_memory(needed, f"a network of {N} neurons in {dtype}")
    return seed, dtype, np.repeat(np.arange(len(sizes)), sizes)
