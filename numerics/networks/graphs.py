"""Graphs in memory and in files: networkx, igraph, GML, GEXF, GraphML, Pajek, node-link JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from ..tables import Place, name_of, opened, text_of
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


class Graph(NamedTuple):
    """A graph as a matrix: weights with row = target, ids, and the attributes of its nodes."""

    weights: sps.coo_array
    ids: np.ndarray
    attribute: Callable[[str], list[Any]]
    attributes: list[str]


def is_graph(source: Any) -> bool:
    """Whether this is a graph of networkx or igraph."""
    return hasattr(source, "is_directed") and (hasattr(source, "edges") or hasattr(source, "es"))


def graph_of(source: Any, options: ReadOptions) -> Graph:
    """The matrix of a graph.

    Raises:
        NetworkError: an undirected graph, two nodes of one name, or weights that are no numbers.
    """
    if not source.is_directed():
        raise NetworkError(
            "the graph is undirected, and a synapse has a direction: use graph.to_directed() if "
            "every edge is two synapses"
        )
    of = _of_igraph if hasattr(source, "es") else _of_networkx
    nodes, ends, values, attribute, attributes = of(source, options)
    ids = np.array([name_of(str(node)) for node in nodes], dtype=str)
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) < len(ids):
        raise NetworkError(
            f"{(counts > 1).sum()} nodes of the graph have the name of another one, e.g. "
            f"{unique[counts > 1][0]!r}: rename them"
        )
    weight = "weight" if options.weight is ... else options.weight
    if ends and weight is not None and all(v is None for v in values):
        raise NetworkError(
            f"no edge of the graph has the attribute {weight!r}: name the one with the weights, "
            "or use weight=None for 1 each"
        )
    try:
        numbers = np.array([np.nan if v is None else float(v) for v in values])
    except (TypeError, ValueError) as error:
        raise NetworkError(
            f"the attribute {weight!r} of an edge is not a number: {error}"
        ) from error
    j, i = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    matrix = sps.coo_array((numbers, (i, j)), shape=(len(nodes), len(nodes)))
    return Graph(matrix, ids, attribute, attributes)


def _of_networkx(graph: Any, options: ReadOptions) -> tuple:
    weight = "weight" if options.weight is ... else options.weight
    nodes, edges = list(graph.nodes), list(graph.edges(data=True))
    at = {node: k for k, node in enumerate(nodes)}
    values = [1.0 if weight is None else data.get(weight) for _, _, data in edges]
    names = {name: None for node in nodes for name in graph.nodes[node]}

    def attribute(name: str) -> list[Any]:
        return [graph.nodes[node].get(name) for node in nodes]

    return nodes, [(at[a], at[b]) for a, b, _ in edges], values, attribute, list(names)


def _of_igraph(graph: Any, options: ReadOptions) -> tuple:
    weight = "weight" if options.weight is ... else options.weight
    ends, names = list(graph.get_edgelist()), list(graph.vs.attributes())
    there = weight in graph.es.attributes()
    none = [1.0 if weight is None else None] * len(ends)
    nodes = list(graph.vs["name"]) if "name" in names else list(range(graph.vcount()))
    return (
        nodes,
        ends,
        list(graph.es[weight]) if there else none,
        lambda name: list(graph.vs[name]),
        names,
    )


def node_labels(graph: Graph, name: str | None) -> tuple[list[Any] | None, str]:
    """Labels from an attribute of the nodes, by default from the one that is named like them.

    Returns:
        The labels, None where no attribute is; the attribute's name.

    Raises:
        NetworkError: there is no such attribute.
    """
    if name is None:
        found = [graph.attributes[k] for k in headings.labels(graph.attributes)]
        found = [k for k in found if headings.plain(k) not in NAMING]
        if len(found) > 1:
            raise NetworkError(
                f"the nodes of the graph have the attributes {found}: say with label= which of "
                "them is the population"
            )
        if not found:
            return None, ""
        name = found[0]
    values = graph.attribute(name) if name in graph.attributes else []
    if all(v is None for v in values):
        raise NetworkError(
            f"no node of the graph has the attribute {name!r}: there are {graph.attributes}"
        )
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
