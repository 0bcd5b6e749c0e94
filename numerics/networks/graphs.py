"""Graphs in memory and in files: networkx, igraph, GML, GEXF, GraphML, Pajek, node-link JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from ..tables import Place, coded, kept_by, name_of, opened, text_of, values_in
from . import headings
from .options import ReadOptions

FORMATS = {
    ".graphml": "GraphML",
    ".gexf": "GEXF",
    ".gml": "GML",
    ".net": "Pajek",
    ".json": "node-link JSON",
}
NAMING = ("label", "labels")  # attributes that are names of nodes, in GML and GEXF


class Attributes(NamedTuple):
    """Attributes of nodes or edges: their names, and the values of one of them."""

    names: list[str]
    values: Callable[[str], list[Any]]


class Graph(NamedTuple):
    """A graph of any library.

    Args:
        nodes: their names.
        ends: of each edge, the positions of source and target among the nodes.
        of_nodes: attributes of the nodes.
        of_edges: attributes of the edges.
    """

    nodes: list[Any]
    ends: np.ndarray
    of_nodes: Attributes
    of_edges: Attributes

    @property
    def ids(self) -> np.ndarray:
        """The names of the nodes as text.

        Raises:
            NetworkError: two nodes have one name.
        """
        ids = np.array([name_of(str(node)) for node in self.nodes], dtype=str)
        unique, counts = np.unique(ids, return_counts=True)
        if len(unique) < len(ids):
            raise NetworkError(
                f"{(counts > 1).sum()} nodes of the graph have the name of another one, e.g. "
                f"{unique[counts > 1][0]!r}: rename them"
            )
        return ids


def is_graph(source: Any) -> bool:
    """Whether this is a graph of networkx or igraph."""
    return hasattr(source, "is_directed") and (hasattr(source, "edges") or hasattr(source, "es"))


def graph_of(source: Any) -> Graph:
    """The nodes, edges and attributes of a graph of networkx or igraph.

    Raises:
        NetworkError: it is undirected.
    """
    if not source.is_directed():
        raise NetworkError(
            "the graph is undirected, and a synapse has a direction: use graph.to_directed() if "
            "every edge is two synapses"
        )
    return _of_igraph(source) if hasattr(source, "es") else _of_networkx(source)


def _of_networkx(graph: Any) -> Graph:
    nodes, edges = list(graph.nodes), list(graph.edges(data=True))
    at = {node: k for k, node in enumerate(nodes)}
    of_nodes = [graph.nodes[node] for node in nodes]
    of_edges = [data for _, _, data in edges]
    ends = np.array([(at[a], at[b]) for a, b, _ in edges], dtype=np.int64).reshape(-1, 2)
    return Graph(nodes, ends, _attributes(of_nodes), _attributes(of_edges))


def _attributes(rows: list[dict[str, Any]]) -> Attributes:
    names = list({name: None for row in rows for name in row})
    return Attributes(names, lambda name: [row.get(name) for row in rows])


def _of_igraph(graph: Any) -> Graph:
    ends = np.array(graph.get_edgelist(), dtype=np.int64).reshape(-1, 2)
    of_nodes = Attributes(list(graph.vs.attributes()), lambda name: list(graph.vs[name]))
    of_edges = Attributes(list(graph.es.attributes()), lambda name: list(graph.es[name]))
    named = "name" in of_nodes.names
    nodes = of_nodes.values("name") if named else list(range(graph.vcount()))
    return Graph(nodes, ends, of_nodes, of_edges)


def filtered(graph: Graph, options: ReadOptions) -> tuple[np.ndarray, np.ndarray | None]:
    """Which edges filters keep, and which nodes (None: all).

    Raises:
        NetworkError: an attribute that is not there, or that nodes and edges have, or a value
            that none has.
    """
    edges, nodes = np.ones(len(graph.ends), dtype=bool), None
    for wanted in options.filters:
        kind, dot, name = str(wanted.column).partition(".")
        said = dot != "" and kind in ("edges", "neurons")
        column = name if said else str(wanted.column)
        here = [
            own
            for own, which in ((graph.of_edges, "edges"), (graph.of_nodes, "neurons"))
            if column in own.names and (not said or kind == which)
        ]
        if len(here) != 1:
            raise NetworkError(
                f"where={str(wanted)!r}: edges have the attributes {graph.of_edges.names}, nodes "
                f"{graph.of_nodes.names}: write 'edges.{wanted}' or 'neurons.{wanted}' where both "
                "have it"
            )
        column_of = coded(["" if v is None else str(v) for v in here[0].values(column)])
        kept = kept_by(wanted, column_of)
        if not kept.any():
            raise NetworkError(
                f"where={str(wanted)!r}: none has it; values are {values_in(column_of)}"
            )
        if here[0] is graph.of_edges:
            edges &= kept
        else:
            nodes = kept if nodes is None else nodes & kept
    return edges, nodes


def graph_weights(graph: Graph, kept: np.ndarray, options: ReadOptions) -> sps.coo_array:
    """The matrix of the edges that are kept, row = target.

    Raises:
        NetworkError: weights that are not there, or no numbers.
    """
    weight = "weight" if options.weight is ... else options.weight
    ends, count = graph.ends[kept], len(graph.nodes)
    if weight is None:
        numbers = np.ones(len(ends))
    else:
        there = weight in graph.of_edges.names
        values = graph.of_edges.values(str(weight)) if there else [None] * len(kept)
        if len(kept) and all(v is None for v in values):
            raise NetworkError(
                f"no edge of the graph has the attribute {weight!r}, they have "
                f"{graph.of_edges.names}: name the one with the weights by weight=, or use "
                "weight=None for 1 each"
            )
        own = [v for v, k in zip(values, kept, strict=True) if k]
        try:
            numbers = np.array([np.nan if v is None else float(v) for v in own])
        except (TypeError, ValueError) as error:
            raise NetworkError(
                f"the attribute {weight!r} of an edge is not a number: {error}"
            ) from error
    return sps.coo_array((numbers, (ends[:, 1], ends[:, 0])), shape=(count, count))


def node_labels(graph: Graph, name: str | None) -> tuple[list[Any] | None, str]:
    """Labels from an attribute of the nodes, by default from the one that is named like them.

    Returns:
        The labels, None where no attribute is; the attribute's name.

    Raises:
        NetworkError: there is no such attribute.
    """
    names = graph.of_nodes.names
    if name is None:
        found = [names[k] for k in headings.labels(names)]
        found = [own for own in found if headings.plain(own) not in NAMING]
        if len(found) > 1:
            raise NetworkError(
                f"the nodes of the graph have the attributes {found}: say with label= which of "
                "them is the population"
            )
        if not found:
            return None, ""
        name = found[0]
    values = graph.of_nodes.values(name) if name in names else []
    if all(v is None for v in values):
        raise NetworkError(f"no node of the graph has the attribute {name!r}: there are {names}")
    return [None if v is None else str(v) for v in values], name


def read_graph(place: Place, options: ReadOptions) -> Any:
    """The networkx graph in a file.

    Raises:
        NetworkError: a damaged file, or networkx is not installed.
    """
    try:
        import networkx
    except ImportError as error:
        raise NetworkError(
            f"{place} is read by networkx, which is not installed: pip install 'motifield[graphs]'"
        ) from error
    try:
        if place.suffix == ".graphml":
            with opened(place) as stream:
                return networkx.read_graphml(stream)
        if place.suffix == ".gexf":
            with opened(place) as stream:
                return networkx.read_gexf(stream)
        text = text_of(place, options.encoding)
        if place.suffix == ".json":
            return _node_link(networkx, json.loads(text))
        lines = text.splitlines()
        if place.suffix == ".net":
            return networkx.parse_pajek(lines)
        return _gml(networkx, lines)
    except NetworkError:
        raise
    except Exception as error:  # parsers raise errors of their own
        raise NetworkError(f"{place} cannot be read as {FORMATS[place.suffix]}: {error}") from error


def _gml(networkx: Any, lines: Sequence[str]) -> Any:
    named = any(line.strip().startswith("label") for line in lines)
    return networkx.parse_gml(lines, label="label" if named else "id")


def _node_link(networkx: Any, data: Any) -> Any:
    if not isinstance(data, dict) or "nodes" not in data or not {"edges", "links"} & data.keys():
        raise ValueError("it has no lists 'nodes' and 'edges' (or 'links')")
    return networkx.node_link_graph(data, edges="edges" if "edges" in data else "links")
