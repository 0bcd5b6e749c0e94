"""The section [connectome] of a spec: a network from files."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from ...errors import NetworkError
from ..networks import ReadOptions
from ..parameters import Number, Strict

if TYPE_CHECKING:
    from ..networks import Network

OPTIONS = frozenset(field.name for field in fields(ReadOptions))
TABLE_ENTRIES = {"nodes", "pre", "post", "weight", "id", "label", "where", "unknown"}
MATRIX_ENTRIES = {"labels", "kind", "rows", "negative"}


class ConnectomeSpec(Strict):
    """[connectome]: a network from tables of edges and neurons, or from a network file.

    Args:
        edges: table of edges, as for `read_edges`.
        nodes: table of neurons.
        network: any file that `read_network` reads, instead of `edges`.
        labels: file of labels that goes with it.
        spectral_radius: to which the weights are scaled.
        input: external input, as in [parameters].
        options: the entries of the section that `ReadOptions` has.
    """

    edges: str | None = None
    nodes: str | None = None
    network: str | None = None
    labels: str | None = None
    spectral_radius: Number | None = Field(default=None, gt=0)
    input: Number | list[Number] | dict[str, Any] = 0.0
    options: dict[str, Any] = Field(default={})

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
        form, others = (
            ("network", TABLE_ENTRIES) if self.edges is None else ("edges", MATRIX_ENTRIES)
        )
        given = self.options.keys() | self.model_fields_set
        if wrong := sorted(given & others):
            raise ValueError(
                f"{', '.join(wrong)} go with {'edges' if form == 'network' else 'network'}"
            )
        try:
            ReadOptions(**self.options)
        except NetworkError as error:
            raise ValueError(str(error)) from None
        return self

    def build(self, folder: Path) -> Network:
        """The network, from files found from this folder."""
        from ..networks import read_edges, read_network, spectral_radius

        options = ReadOptions(**self.options)
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
