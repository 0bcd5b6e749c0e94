"""Names by which the columns of tables of edges and of neurons are recognised."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")
PRE = {"pre", "presyn", "presynaptic", "source", "src", "from", "sender", "upstream", "1"}
POST = {"post", "postsyn", "postsynaptic", "target", "tgt", "dst", "dest", "destination", "to"}
POST |= {"receiver", "downstream", "2"}
UNITS = {"neuron", "neurons", "cell", "node", "body", "root", "segment", "seg", "skeleton", "unit"}
FILLERS = UNITS | {"id", "ids", "pt", "gid", "idx", "index", "name", "skid", "rootid", "bodyid"}
WEIGHTS = {"weight", "weights", "w", "count", "counts", "n", "nbr", "number", "strength", "value"}
WEIGHTS |= {f"{a}{b}" for a in ("n", "num", "numberof", "") for b in ("syn", "syns", "synapses")}
WEIGHTS |= {f"{a}{b}" for a in ("syn", "synapse", "synaptic") for b in ("weight", "count", "s")}
WEIGHTS |= {"numsynapse", "synapsescount", "synapsecounts", "syncounts", "contacts", "ncontacts"}
IDS: tuple[str, ...] = (
    "id",
    "ids",
    "neuronid",
    "cellid",
    "nodeid",
    "ptrootid",
    "rootid",
    "bodyid",
    "gid",
    "skid",
)
IDS += ("skeletonid", "segmentid", "neuron", "neurons", "cell", "node", "index", "name", "nodename")
IDS += ("neuronname", "cellname", "unit", "unitid")
LABELS: tuple[str, ...] = (
    "label",
    "labels",
    "celltype",
    "type",
    "types",
    "neurontype",
    "population",
    "populations",
)
LABELS += ("pop", "popname", "populationname", "cellclass", "class", "group", "cellgroup")
LABELS += ("neuronclass", "category", "nodetype")


def plain(name: str) -> str:
    """A name without case, blanks and signs: "Cell type" is "celltype"."""
    return "".join(WORD.findall(name)).lower()


def _words(name: str) -> list[str]:
    return [word.lower() for word in WORD.findall(name)]


def _is_end(name: str, ends: set[str]) -> bool:
    """Whether a name is that of one end of a synapse: `pre`, `Source`, `bodyId_pre`, `cell 1`."""
    words = _words(name)
    found = [word for word in words if word in ends]
    others = [word for word in words if word not in ends]
    if len(found) != 1 or any(word not in FILLERS for word in others):
        return False
    return not found[0].isdigit() or bool(set(others) & (UNITS | {"id"}))


def sources(names: Sequence[str]) -> list[int]:
    """The columns whose names say that they are the source of a synapse."""
    return [k for k, name in enumerate(names) if _is_end(name, PRE)]


def targets(names: Sequence[str]) -> list[int]:
    """The columns whose names say that they are its target."""
    return [k for k, name in enumerate(names) if _is_end(name, POST)]


def weights(names: Sequence[str]) -> list[int]:
    """The columns whose names say that they are its weight."""
    return [k for k, name in enumerate(names) if plain(name) in WEIGHTS]


def ids(names: Sequence[str]) -> list[int]:
    """The columns that may be ids of neurons, the likelier ones first."""
    return _ordered(names, IDS)


def labels(names: Sequence[str]) -> list[int]:
    """The columns that may be labels, the likelier ones first."""
    return _ordered(names, LABELS)


def _ordered(names: Sequence[str], known: Iterable[str]) -> list[int]:
    own = [plain(name) for name in names]
    return [k for name in known for k in range(len(own)) if own[k] == name]


def are_edges(names: Sequence[str]) -> bool:
    """Whether these are the names of a list of edges."""
    return bool(sources(names) and targets(names))
