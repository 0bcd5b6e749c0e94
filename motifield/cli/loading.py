"""What commands work on beside equations: specs, networks, samplers.

Heavy imports happen inside functions, so that `--help` is instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import NetworkError, SpecError
from .options import Marginal, NetworkFile, Probability, Seed, Size, ZeroDiagonal
from .paths import SPEC_SUFFIXES
from .reading import Reading, as_flags, note_reading


def double_precision() -> None:
    """Let JAX compute in double precision; to call before anything is compiled."""
    import jax

    jax.config.update("jax_enable_x64", True)


def spec_of(
    path: Path, *, numbers: bool = True, known: Any = None, reading: Any = None, said: bool = True
) -> Any:
    """The spec in a file; without numbers where only its equations are wanted.

    Args:
        path: of the spec.
        numbers: whether parameters and network are wanted.
        known: as `load_spec` takes it.
        reading: options in place of those of [connectome].
        said: whether what was found in a connectome is said.
    """
    if numbers:
        double_precision()
    from ..numerics.spec import load_spec

    given = {
        # a spec finds other files from its own folder
        name: value.resolve() if isinstance(value, Path) else value
        for name, value in (reading or {}).items()
    }
    found = load_spec(path, numbers=numbers, known=known, reading=given)
    if found.network is not None:
        note_reading(found.network, said=said)
    return found


def equations_of(loaded: Any, closure: str | None = None) -> Any:
    """The equations of a spec, with its closure or the one of this name."""
    from ..numerics.spec import closure_of
    from ..theory.derivation import derive

    return derive(loaded.architecture, closure_of(closure) if closure else loaded.closure)


def network_of(path: Path, *, said: bool = True, **options: Any) -> tuple[Any, Any]:
    """A network and its input, from a spec with a connectome or from a network file.

    Args:
        path: a spec, or any file that `read_network` reads.
        said: whether what was found is said.
        options: those of `read_network`; for a spec in place of those of its [connectome].

    Returns:
        The network, and the spec's input; None for a file, whose network may carry its own.

    Raises:
        SpecError: the spec has no connectome.
    """
    if path.suffix in SPEC_SUFFIXES and not is_graph(path):
        loaded = spec_of(path, reading=options, said=said)
        if loaded.network is None:
            raise SpecError(
                f"{path} has no [connectome]; give a spec with one, or a file with a network"
            )
        return loaded.network, loaded.numbers().input
    double_precision()
    from ..numerics.networks import read_network

    try:
        network = read_network(path, **options)
    except NetworkError as error:
        raise NetworkError(as_flags(str(error))) from None
    note_reading(network, said=said)
    return network, None


def is_graph(path: Path) -> bool:
    """Whether a .json file is a graph of nodes and links, and no spec."""
    if path.suffix != ".json":
        return False
    from ..numerics.parameters import read_mapping

    data = read_mapping(path)
    return "nodes" in data and bool({"links", "edges"} & data.keys())


def same_populations(network: Any, populations: Any, source: Any) -> None:
    """Raise `SpecError` unless the network has the populations of the spec."""
    if network.populations != tuple(populations):
        raise SpecError(
            f"{source} has the populations {', '.join(network.populations)}, "
            f"the spec {', '.join(populations)}"
        )


@dataclass(frozen=True)
class NetworkChoice:
    """The network that a spec is compared with: a given one, the connectome, or a sampled one."""

    network: NetworkFile = None
    seed: Seed = 0
    size: Size = None

    def model(self, model: Any, reading: Reading) -> Any:
        """The spec, whose connectome the options of reading are about without --network."""
        return model if self.network is not None else model.read_by(reading.given())

    def find(self, loaded: Any, reading: Reading) -> tuple[Any, str]:
        """The network for a spec, and where it is from."""
        parameters = loaded.numbers()
        if self.network is not None:
            if self.size is not None:
                raise SpecError(
                    "--network reads a network, --size is that of a sampled one: give one of them"
                )
            network = network_of(self.network, **reading.given())[0]
            same_populations(network, parameters.populations, self.network)
            return network, str(self.network)
        if loaded.network is not None:
            if self.size is not None:
                raise SpecError("the spec has a connectome: --size is that of a sampled network")
            return loaded.network, "the connectome"
        from ..numerics.sampling import sample as draw

        asked = parameters if self.size is None else parameters.rescaled(self.size)
        return draw(asked, self.seed), f"sampled with seed {self.seed}"


@dataclass(frozen=True)
class SamplerChoice:
    """The distribution of sampled synapses, and which of them exist."""

    marginal: Marginal = None
    probability: Probability = None
    zero_diagonal: ZeroDiagonal = False

    def sampler(self) -> Any:
        """The sampler; None: the Gaussian one."""
        name = "gaussian" if self.probability is None else "constant"
        family = _family(self.marginal or name)
        if self.probability is not None:
            from ..numerics.sampling import Sparse

            return Sparse(
                probability=self.probability, marginal=family, zero_diagonal=self.zero_diagonal
            )
        if self.marginal is None and not self.zero_diagonal:
            return None
        from ..numerics.sampling import Dense

        return Dense(family, zero_diagonal=self.zero_diagonal)


def _family(text: str) -> Any:
    """A marginal distribution from NAME or NAME:CV."""
    from ..numerics.sampling import marginals

    families = {
        "gaussian": marginals.Gaussian,
        "lognormal": marginals.Lognormal,
        "gamma": marginals.Gamma,
        "truncated-gaussian": marginals.TruncatedGaussian,
        "constant": marginals.Constant,
    }
    name, colon, variation = text.partition(":")
    if name not in families:
        raise SpecError(f"--marginal {name!r} is unknown: there are {', '.join(families)}")
    try:
        return families[name](float(variation)) if colon else families[name]()
    except (ValueError, TypeError):
        raise SpecError(
            f"--marginal {text!r}: {name} takes no {variation!r}; a coefficient of variation "
            "goes with lognormal, gamma and truncated-gaussian"
        ) from None
