"""The section [connectome] of a spec: a network from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from ...errors import NetworkError
from ..networks import ReadOptions
from ..parameters import Number, Strict

if TYPE_CHECKING:
    from ..networks import Network

OPTIONS = tuple(field.name for field in fields(ReadOptions))
GOES_WITH = {"nodes": "edges", "labels": "network"}
NO_WEIGHT = "none"  # TOML has no None


class ConnectomeSpec(Strict):
    """[connectome]: a network from tables of edges and neurons, or from a network file.

    Args:
        edges: table of edges, as for `read_edges`.
        nodes: table of neurons.
        network: any file that `read_network` reads, instead of `edges`.
        labels: file of labels that goes with it.
        spectral_radius: to which the weights are scaled.
        input: external input, as in [parameters].
        shrink: whether motifs of few neurons are shrunken by their errors, as `measure` does.
        options: the entries of the section that `ReadOptions` has, under its names; weight "none"
            means that every edge is 1.
    """

    further: ClassVar[tuple[str, ...]] = OPTIONS

    edges: str | None = None
    nodes: str | None = None
    network: str | None = None
    labels: str | None = None
    spectral_radius: Number | None = Field(default=None, gt=0)
    input: Number | list[Number] | dict[str, Any] = 0.0
    shrink: bool = False
    options: dict[str, Any] = Field(default={}, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _options_apart(cls, data: Any) -> Any:
        """The entries of `ReadOptions` stand among the others in a file."""
        if not isinstance(data, dict):
            return data
        if "options" in data:
            raise ValueError("options: unknown entry")
        own = {name: value for name, value in data.items() if name not in OPTIONS}
        return own | {"options": {n: v for n, v in data.items() if n in OPTIONS}}

    @model_validator(mode="after")
    def _one_form(self) -> ConnectomeSpec:
        if (self.edges is None) == (self.network is None):
            raise ValueError("give edges (and nodes), or network (and labels)")
        if wrong := [name for name, of in GOES_WITH.items() if self._lacks(name, of)]:
            raise ValueError(f"{wrong[0]} goes with {GOES_WITH[wrong[0]]}")
        try:
            self.reading()
        except NetworkError as error:
            raise ValueError(str(error)) from None
        return self

    def _lacks(self, name: str, of: str) -> bool:
        return getattr(self, name) is not None and getattr(self, of) is None

    def reading(self) -> ReadOptions:
        """How the files are read. Raises `NetworkError` for an option that has no such value."""
        own = dict(self.options)
        if own.get("weight") == NO_WEIGHT:
            own["weight"] = None
        return ReadOptions(**own)

    def read_by(self, given: Mapping[str, Any]) -> ConnectomeSpec:
        """The section with other options of reading, and `labels`.

        Args:
            given: by name; paths are absolute.

        Raises:
            NetworkError: an option has no such value, or does not go with the others.
        """
        own = {n: v for n, v in given.items() if n in OPTIONS}
        labels = given.get("labels")
        if labels is not None and self.network is None:
            # of a table of edges they are the table of neurons
            made = self.model_copy(update={"nodes": str(labels)})
        else:
            made = self.model_copy(update={} if labels is None else {"labels": str(labels)})
        made = made.model_copy(update={"options": {**self.options, **own}})
        made.reading()
        return made

    def build(self, folder: Path) -> Network:
        """The network, from files found from this folder."""
        from ..networks import read_edges, read_network, spectral_radius

        options = self.reading()
        if options.cache is not None:
            options = replace(options, cache=folder / options.cache)
        if self.edges is not None:
            nodes = None if self.nodes is None else folder / self.nodes
            network = read_edges(folder / self.edges, nodes, options)
        else:
            labels = None if self.labels is None else folder / self.labels
            network = read_network(folder / str(self.network), labels, options)
        if self.spectral_radius is None:
            return network
        found = spectral_radius(network)
        if found == 0:
            raise NetworkError(
                "the connectome has no loops of synapses, its spectral radius is 0 whatever their "
                "weights: leave spectral_radius out"
            )
        return network.scaled(self.spectral_radius / found)
