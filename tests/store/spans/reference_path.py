"""The critical path of a trace in plain Python: what the SQL must find."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Node", "own_times"]


class Node(NamedTuple):
    """A span, its times in ns; ``kind`` as in OTLP: Server, Client, Internal."""

    id: str
    parent: str
    start: int
    end: int
    kind: str = "Internal"
    name: str = ""


def own_times(
    spans: Sequence[Node], root: Node, within_ns: int, rank: dict[str, int]
) -> dict[str, int]:
    """The own time of each span on the path; ``rank`` orders ids where nothing else does.

    Walks from the last child to finish to the first, and into each of them.
    """
    known = {span.id: span for span in reversed(spans) if span.id != root.id} | {root.id: root}
    children: dict[str, list[Node]] = defaultdict(list)
    for span in spans:
        if span.id != root.id:
            is_orphan = span.parent not in known or span.parent == span.id
            children[root.id if is_orphan else span.parent].append(span)
    own: dict[str, int] = {}

    def walk(node: Node, move: int, begin: int, end: int, limit: int) -> None:
        """``begin`` and ``end`` are limited by all ancestors, ``limit`` by what follows as well."""
        own[node.id] = limit - begin
        free = limit
        placed = []
        for child in children[node.id]:
            further = move + _move(child, node)
            low = max(child.start - root.start + further, begin)
            high = min(child.end - root.start + further, end)
            if low < high:
                placed.append((high, -low, rank[child.id], child, further))
        placed.sort(key=lambda each: each[:3], reverse=True)
        for high, minus_low, _, child, further in placed:
            low, until = -minus_low, min(high, limit)
            is_noise = low < free and (until - free) * 100 < limit - begin
            if low < until and (until <= free or is_noise):
                until = min(until, free)
                walk(child, further, low, high, until)
                own[node.id] -= until - low
                free = low

    walk(root, 0, 0, within_ns, within_ns)
    return own


def _move(child: Node, parent: Node) -> int:
    """By how much a SERVER span is moved into the CLIENT span above it."""
    if child.kind != "Server" or parent.kind != "Client":
        return 0
    if parent.start <= child.start and child.end <= parent.end:
        return 0
    spare = (parent.end - parent.start) - min(child.end - child.start, parent.end - parent.start)
    return parent.start - child.start + spare // 2
