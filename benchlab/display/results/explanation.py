"""What made a run slow, as people see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchlab.analysis.causes.cause import Cause, CauseId
from benchlab.analysis.causes.thresholds import FEWEST
from benchlab.analysis.explanation import Explanation
from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.runs.latency_parts import ENOUGH_IN_TAIL
from benchlab.text import one_line, plural
from benchlab.units import NS_PER_S, format_column_ms, format_count, format_ms, format_share

__all__ = ["CAUSE_LABELS", "NEWSWORTHY", "NOTHING_FOUND", "view"]

CAUSE_LABELS: Mapping[CauseId, str] = {
    "queueing": "queueing",
    "stall": "a single stall",
    "periodic_pause": "periodic pauses",
    "drift": "drift",
    "bimodal": "two kinds of requests",
    "one_of_many": "one of many is slow",
    "payload_size": "payload size",
    "new_connections": "new connections",
    "tcp_stall": "TCP stalls",
    "contention": "contention",
    "event_loop": "blocked event loop",
    "child_span": "slow child span",
    "errors": "errors",
    "slow_body": "slow body",
    "connection_cap": "connection cap",
    "generator": "the load generator",
    "noise": "noise of the machine",
}

NOTHING_FOUND = "nothing found: the latency is the service's own, unimodal, steady"

NEWSWORTHY = 0.005
"""A smaller share of the tail would be shown as 0 %."""

_LONGEST = 60
_LONGEST_TEXT = 400


def view(result: Explanation) -> ResultView:
    """What is shown of an explanation: the first cause, all of them, their evidence, examples."""
    of = "" if result.endpoint is None else f", {one_line(result.endpoint, _LONGEST)}"
    banner, sentence = _answer(result)
    return ResultView(
        title=f"{one_line(result.name, _LONGEST)}{of}: what made it slow",
        banner=banner,
        level="neutral",
        sentence=sentence,
        facts=tuple(_facts(result)),
        warnings=tuple(_warnings(result)),
        tables=tuple(_tables(result)),
        notes=tuple(_notes(result)),
    )


def _answer(result: Explanation) -> tuple[str, str]:
    if result.tail is None:
        return "no requests", "There is nothing to explain."
    if result.nothing_found and result.count < FEWEST:
        return "too few requests", f"{plural(result.count, 'request')} of at least {FEWEST}."
    if result.nothing_found:
        banner, _, rest = NOTHING_FOUND.partition(": ")
        return banner, f"{rest}."
    first = result.causes[0]
    parts = (
        [f"{format_share(first.tail_ratio)} of the tail"] if first.tail_ratio >= NEWSWORTHY else []
    )
    parts += [_line(each.text) for each in first.evidence[:1]]
    return CAUSE_LABELS[first.cause], f"{'; '.join(parts)}."


def _facts(result: Explanation) -> Iterator[tuple[str, str]]:
    tail = result.tail
    if tail is None:
        return
    yield "requests", format_count(result.count)
    yield "median", format_ms(tail.median_ns)
    slow = f"{format_count(tail.count)} from {format_ms(tail.low_ns)} on"
    yield f"tail, above p{tail.ratio * 100:g}", slow
    if result.span_count:
        yield "joined with spans", format_count(result.span_count)


def _warnings(result: Explanation) -> Iterator[str]:
    if result.verdict in ("invalid", "degraded"):
        rest = "" if result.forced else "; causes that rest on its latencies are not named"
        yield f"The run is {result.verdict}: {_line(result.invalid_reason or '')}{rest}"
    elif result.verdict == "interrupted":
        yield f"The run is interrupted: {_line(result.invalid_reason or '')}"
    if FEWEST <= result.count < 10 * ENOUGH_IN_TAIL:
        few = plural(result.count, "request")
        yield f"{few} are few: what happens to one in a hundred may not show"


def _tables(result: Explanation) -> Iterator[Table]:
    if not result.causes:
        return
    yield Table(
        ["cause", "of the tail", "evidence"],
        [row for cause in result.causes for row in _evidence(cause)],
        title="Causes",
    )
    advice = [
        [CAUSE_LABELS[cause.cause], _line(cause.try_next)]
        for cause in result.causes
        if cause.try_next
    ]
    yield Table(["cause", "try next"], advice, title="What to try next")
    if result.examples:
        yield _examples(result)


def _examples(result: Explanation) -> Table:
    latencies = format_column_ms([each.latency_ns for each in result.examples])
    rows = [
        [
            CAUSE_LABELS[each.cause],
            str(each.seq),
            one_line(each.endpoint, _LONGEST),
            f"{each.intended_ns / NS_PER_S:,.3f}",
            latency,
            each.trace_id or "–",
        ]
        for each, latency in zip(result.examples, latencies, strict=True)
    ]
    head = ["example of", "request", "endpoint", "at, s", "latency, ms", "trace"]
    # A trace id is long: what is the same for all leaves its place to it.
    title, first, shown = "Example requests", result.examples[0], list(range(len(head)))
    if all(each.endpoint == first.endpoint for each in result.examples):
        title += f" of {one_line(first.endpoint, _LONGEST)}"
        shown.remove(2)
    if len(result.causes) == 1:
        shown.remove(0)
    if not any(each.trace_id for each in result.examples):
        shown.remove(5)
    return Table(
        [head[at] for at in shown], [[row[at] for at in shown] for row in rows], title=title
    )


def _evidence(cause: Cause) -> Iterator[list[str]]:
    """A row for each observation: each names the cause, since the table can be sorted."""
    for text in [_line(each.text) for each in cause.evidence] or ["–"]:
        yield [CAUSE_LABELS[cause.cause], format_share(cause.tail_ratio), text]


def _notes(result: Explanation) -> Iterator[str]:
    tail = result.tail
    if tail is None:
        return
    if result.causes:
        yield (
            f"The tail is the time by which requests above p{tail.ratio * 100:g} exceed the median."
            " What one cause explains is not counted for another, so that the shares add up to"
            " 100 % at most."
        )
    if not result.span_count:
        yield (
            "Without spans, child spans are not seen, and queueing and contention look alike, as do"
            " a stall, a periodic pause and a blocked event loop."
        )


def _line(text: str) -> str:
    return one_line(text, _LONGEST_TEXT)
