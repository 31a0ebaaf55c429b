"""Where the latency of a run comes from, as people see it."""

from __future__ import annotations

from collections.abc import Iterator

from benchlab.analysis.attribution import AttributeDifference, Attribution, Band
from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.runs.latency_parts import Part
from benchlab.runs.trace_coverage import ENOUGH_RATIO
from benchlab.text import one_line
from benchlab.units import format_column_ms, format_count, format_ms

__all__ = ["view"]

_DOING = {
    "earlier_tries": "in earlier tries, and pausing between them",
    "lag": "waiting for the load generator to send them",
    "connection_wait": "waiting for a free connection",
    "dns": "looking up the host name",
    "connect": "connecting",
    "tls": "in the TLS handshake",
    "before_server": "waiting before the handler starts",
    "server": "in the server itself",
    "way_back": "on the way back",
    "first_byte": "waiting for the response",
    "body": "reading the response",
}
_LONGEST = 60


def view(result: Attribution) -> ResultView:
    """What is shown of an attribution: the sentence, the bands, and what slow requests share."""
    of = "" if result.endpoint is None else f", {one_line(result.endpoint, _LONGEST)}"
    effects = result.effects()
    largest = next(iter(effects), None)
    return ResultView(
        title=f"{one_line(result.name, _LONGEST)}{of}: where the latency comes from",
        banner="no requests" if largest is None else one_line(largest.label, _LONGEST),
        level="neutral",
        sentence=_sentence(result, largest),
        facts=tuple(_facts(result)),
        warnings=tuple(_warnings(result)),
        tables=tuple(_tables(result)),
        notes=tuple(_notes(result)),
    )


def _sentence(result: Attribution, largest: Part | None) -> str:
    tail, middle = result.tail, result.middle
    if tail is None or middle is None or largest is None or not tail.split_mean_ns:
        return "There are too few requests to tell slow ones from others."
    doing = _DOING.get(largest.key, f"in {one_line(largest.label, _LONGEST)}")
    share = tail.mean_of(largest) / tail.split_mean_ns
    first = next((each for each in result.attributes if each.difference > 0), None)
    rest = "" if first is None else f"; {_shared(first)}"
    slow = f"Requests above p{result.tail_ratio * 100:g}"
    return f"{slow} spend {_percent(share)} of their time {doing}{rest}."


def _shared(each: AttributeDifference) -> str:
    if (each.attribute, each.value) == ("connection", "new"):
        what = "opened a connection"
    else:
        what = f"have {one_line(each.attribute, _LONGEST)} = {one_line(each.value, _LONGEST)}"
    return f"{_percent(each.tail_ratio)} of them {what}, {_percent(each.middle_ratio)} at p40–60"


def _facts(result: Attribution) -> Iterator[tuple[str, str]]:
    yield "requests", format_count(result.count)
    if result.tail is not None and result.tail.low_ns is not None:
        slow = f"{format_count(result.tail.count)} above {format_ms(result.tail.low_ns)}"
        yield f"above p{result.tail_ratio * 100:g}", slow
    if result.trace_ratio or result.span_count:
        share = result.span_count / result.split_count if result.split_count else 0.0
        yield (
            "joined with spans",
            f"{format_count(result.span_count)} of {format_count(result.split_count)}"
            f" ({_percent(share)})",
        )
    if result.clock is not None:
        used = "applied" if result.clock.applied else "not applied"
        yield "clock of the service", f"{result.clock.estimate_ns / 1e6:+.3f} ms, {used}"


def _warnings(result: Attribution) -> Iterator[str]:
    if not result.count:
        return
    if not result.span_count:
        reason = (
            "No request asked to be traced (trace_ratio is 0)"
            if not result.trace_ratio
            else "No request has a server span"
        )
        yield (
            f"{reason}, so what happened between sending a request and its first byte is one part:"
            f" the network, the queue and the handler cannot be told apart. {result.cause}".rstrip()
        )
    elif result.span_count < ENOUGH_RATIO * result.split_count:
        missing = result.split_count - result.span_count
        yield (
            f"{format_count(missing)} of the {format_count(result.split_count)} requests that asked"
            " to be traced have no server span; their time after sending is a part of its own."
            f" {result.cause}".rstrip()
        )
    if result.clock is not None and result.clock.applied:
        offset_ms = result.clock.estimate_ns / 1e6
        yield (
            f"The clocks of client and service differ by about {offset_ms:+.3f} ms, which is"
            " subtracted: how the time on the network divides into there and back rests on the"
            " assumption that both ways take the same."
        )
    if result.moved_count:
        yield (
            f"{format_count(result.moved_count)} server spans begin before their request was sent,"
            " or after its response came; they were moved into it."
        )


def _tables(result: Attribution) -> Iterator[Table]:
    if not result.bands:
        return
    bands = list(result.bands)
    yield Table(
        ["part, mean ms", *(band.label for band in bands)],
        _columns_ms(result, bands),
        title="Latency by band",
    )
    tail, middle = result.tail, result.middle
    if tail is not None and middle is not None:
        effects = result.effects()
        gap = tail.split_mean_ns - middle.split_mean_ns
        differences = format_column_ms([round(value) for value in effects.values()])
        yield Table(
            ["part", "longer by, ms", "of the difference", "requests with it", "at p40–60"],
            [
                [
                    one_line(part.label, _LONGEST),
                    difference,
                    _percent(value / gap) if gap else "–",
                    _percent(tail.request_ratio_of(part)),
                    _percent(middle.request_ratio_of(part)),
                ]
                for (part, value), difference in zip(effects.items(), differences, strict=True)
            ],
            title=f"Above p{result.tail_ratio * 100:g}, compared with p40–60",
        )
    if result.attributes:
        yield Table(
            ["attribute", "value", f"above p{result.tail_ratio * 100:g}", "at p40–60"],
            [
                [
                    one_line(each.attribute, _LONGEST),
                    one_line(each.value, _LONGEST),
                    _percent(each.tail_ratio),
                    _percent(each.middle_ratio),
                ]
                for each in result.attributes[:20]
            ],
            title="What slow requests have in common",
        )


def _columns_ms(result: Attribution, bands: list[Band]) -> list[list[str]]:
    """A row per part, and one of the sums, with a column per band."""
    columns = [
        format_column_ms(
            [*(round(band.mean_of(part)) for part in result.parts), round(band.split_mean_ns)]
        )
        for band in bands
    ]
    labels = [*(one_line(part.label, _LONGEST) for part in result.parts), "latency"]
    return [[label, *cells] for label, *cells in zip(labels, *columns, strict=True)]


def _notes(result: Attribution) -> Iterator[str]:
    if not result.count:
        return
    yield (
        "The parts of a request add up to its latency; overlapping spans count by the critical"
        " path (CRISP), each with its own time."
    )
    if result.split_count < result.count:
        yield (
            f"Bands are of all {format_count(result.count)} requests; the parts are means of the"
            f" {format_count(result.split_count)} that asked to be traced."
        )
    if result.clock is not None and not result.clock.applied:
        yield (
            "The clock offset is half the difference between the median ways there and back, a"
            " queue before the handler included. The clocks do not contradict each other, so it is"
            " not applied."
        )
    if result.tested_count and not result.n_eff_ratio:
        yield "The requests are too few to compare attributes."
    elif result.tested_count:
        yield (
            f"Attributes: {format_count(result.tested_count)} values tested (G-test on effective"
            " numbers of requests, Holm); shown are differences of 5 points and more."
        )


def _percent(ratio: float) -> str:
    digits = 1 if 0 < abs(ratio) < 0.1 or 0.99 < ratio < 1 else 0
    return f"{round(ratio * 100, digits) + 0.0:.{digits}f} %"  # + 0.0: never -0
