"""The critical path through the spans of a request, as SQL.

A trace is a tree of spans that may overlap, so their durations do not add up. Its critical path is
found backwards: the child that finishes last, then the last that finished before that one began,
and so on, and the same within each child. What a span on the path took and no child on the path
did is its own time. Source: Zhang et al., CRISP: Critical Path Analysis of Large-Scale
Microservice Architectures (USENIX ATC 2022), https://github.com/uber-research/CRISP.

These rules count every nanosecond exactly once, whatever the spans claim:

- A child counts within its parent only; the rest of it is cut off.
- Of two children that overlap by less than 1 % of their parent, both are on the path, as in CRISP,
  whose sum is then too large; here the earlier one is cut where the later one begins.
- A SERVER span below a CLIENT span has the clock of another host. If it does not fit into its
  parent, it is moved to the middle of it, with all spans below.
- A span whose parent is missing is a child of the request's SERVER span, on whose behalf it was.
- Spans that are their own ancestors are ignored, and so are copies of a span.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["PATH", "ROOT", "in_layers"]

# The client's own span id is known, which decides between several SERVER spans without a parent.
ROOT = """
    if(
        countEqual(kinds, 1) <= 1,
        indexOf(kinds, 1),
        arraySort(
            at -> (has(ids, parents[at]), parents[at] != client_id, starts[at], ids[at]),
            arrayFilter((at, kind) -> kind = 1, arrayEnumerate(kinds), kinds)
        )[1]
    )
"""
"""The position of the SERVER span that the client called, 0 if there is none.

The arrays have an element per span of the request: ``ids``, ``parents``, ``starts`` (ns),
``durations`` (ns, not negative), ``names`` and ``kinds`` (1 SERVER, 2 CLIENT, 0 others).
``client_id`` is the id of the span that the load generator sends as parent.
"""

# In the expressions below, `at` is a position, which starts at 1; a `begin` or an `end` counts from
# the start of the root.

# Most traces are flat: a SERVER span and its children. They need no tree, which saves a third of
# the time, since ClickHouse evaluates each branch of an `if` only for the rows that take it.
_FLAT = (
    """
    arrayReverseSort(arrayFilter(
        (span, id) -> id != root_id AND span.1 + span.2 > 0,
        arrayMap(
            (start, duration, id, name) -> (
                least(start - root_start + duration, within_ns),
                -greatest(start - root_start, 0),
                id,
                name
            ),
            starts, durations, ids, names
        ),
        ids
    )) AS flat
    """,
    """
    arrayFold(
        (state, end, begin) -> if(
            end <= state.1 OR (begin < state.1 AND (end - state.1) * 100 < within_ns),
            (begin, arrayPushBack(state.2, least(end, state.1) - begin)),
            (state.1, arrayPushBack(state.2, toInt64(0)))
        ),
        flat.1,
        arrayMap(begin -> -begin, flat.2),
        (within_ns, CAST([], 'Array(Int64)'))
    ).2 AS flat_ns
    """,
)

# Positions jump to their parent's parent, twice as far each time, until all are at the root: on the
# way moves add up, and begins and ends are cut to those of all ancestors. Then one pass over the
# spans, those that end last first. Its state is, by position: until when the next child may end,
# until when the span itself counts (-1 off the path), and its own time.
_DEEP = (
    """
    arrayMap(
        (parent, at) -> if(
            at = root OR indexOf(ids, parent) IN (0, at), root, indexOf(ids, parent)
        ),
        parents, arrayEnumerate(ids)
    ) AS above,
    range(toUInt64(ceil(log2(greatest(length(ids), 1))))) AS jumps
    """,
    """
    arrayFold(
        (state, _) -> (
            arrayMap(parent -> state.1[parent], state.1),
            arrayMap((move, parent) -> move + state.2[parent], state.2, state.1)
        ),
        jumps,
        (
            above,
            arrayMap(
                (start, duration, kind, parent) -> if(
                    kind = 1 AND kinds[parent] = 2 AND (
                        start < starts[parent]
                        OR start + duration > starts[parent] + durations[parent]
                    ),
                    starts[parent] - start
                        + intDiv(durations[parent] - least(duration, durations[parent]), 2),
                    0
                ),
                starts, durations, kinds, above
            )
        )
    ).2 AS moves
    """,
    """
    arrayFold(
        (state, _) -> (
            arrayMap(parent -> state.1[parent], state.1),
            arrayMap((begin, parent) -> greatest(begin, state.2[parent]), state.2, state.1),
            arrayMap((end, parent) -> least(end, state.3[parent]), state.3, state.1),
            arrayMap((depth, parent) -> depth + state.4[parent], state.4, state.1)
        ),
        jumps,
        (
            above,
            arrayMap(
                (start, move, at) -> if(at = root, 0, greatest(start - root_start + move, 0)),
                starts, moves, arrayEnumerate(ids)
            ),
            arrayMap(
                (start, duration, move, at) -> if(
                    at = root, within_ns, least(start - root_start + move + duration, within_ns)
                ),
                starts, durations, moves, arrayEnumerate(ids)
            ),
            arrayMap(at -> toInt64(at != root), arrayEnumerate(ids))
        )
    ) AS cut
    """,
    """
    cut.2 AS begins,
    cut.3 AS ends
    """,
    """
    arrayReverseSort(
        at -> (ends[at], -cut.4[at], -begins[at], ids[at]),
        arrayFilter(
            (at, top, id, begin, end) -> top = root AND id != root_id AND begin < end,
            arrayEnumerate(ids), cut.1, ids, begins, ends
        )
    ) AS deep_order
    """,
    """
    arrayFold(
        (state, at) -> arrayMap(
            (parent, begin, end, free) -> if(
                begin < end AND (
                    end <= free
                    OR (begin < free AND (end - free) * 100 < state.2[parent] - begins[parent])
                ),
                (
                    arrayMap(
                        (until, of) -> if(of = parent, begin, if(of = at, least(end, free), until)),
                        state.1, arrayEnumerate(ids)
                    ),
                    arrayMap(
                        (until, of) -> if(of = at, least(end, free), until),
                        state.2, arrayEnumerate(ids)
                    ),
                    arrayMap(
                        (own, of) -> own + (least(end, free) - begin) * ((of = at) - (of = parent)),
                        state.3, arrayEnumerate(ids)
                    )
                ),
                state
            ),
            [above[at]], [begins[at]], [least(ends[at], state.2[above[at]])], [state.1[above[at]]]
        )[1],
        deep_order,
        (
            arrayMap(at -> if(at = root, within_ns, toInt64(-1)), arrayEnumerate(ids)),
            arrayMap(at -> if(at = root, within_ns, toInt64(-1)), arrayEnumerate(ids)),
            arrayMap(at -> toInt64(0), arrayEnumerate(ids))
        )
    ).3 AS deep_ns
    """,
)

PATH = (
    "starts[root] AS root_start, ids[root] AS root_id",
    "arrayAll((parent, id) -> parent = root_id OR id = root_id, parents, ids) AS is_flat",
    *_FLAT,
    *_DEEP,
    """
    if(is_flat, flat.4, names) AS path_names,
    if(is_flat, flat_ns, arrayMap((own, at) -> if(at = root, 0, own), deep_ns, arrayEnumerate(ids)))
        AS path_ns
    """,
)
"""Layers of expressions: the names of the spans below the root, and their own times.

They are ``path_names`` and ``path_ns``, 0 for a span that is not on the path. The arrays and
``root`` are those of `ROOT`; ``within_ns`` is how much of the root counts, from its start.
"""


def in_layers(source: str, layers: Iterable[str]) -> str:
    """A query of all columns of ``source`` and, layer by layer, of more that follow from them.

    A layer is a subquery, which costs nothing at run time, while names that refer to each other
    within one query are replaced by what they stand for again and again: planning took a second.
    """
    for layer in layers:
        source = f"SELECT *, {layer} FROM ({source})"  # noqa: S608  # composed of constants
    return source
