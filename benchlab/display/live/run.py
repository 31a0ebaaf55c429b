"""A run in progress as people see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchlab.display.banner import Level
from benchlab.display.live.live_view import Axis, Chart, Line, LiveView, Mark, Number, Row, Span
from benchlab.display.progress import done_text
from benchlab.load.supervisor.progress import Progress
from benchlab.load.supervisor.series import ProgressSeries
from benchlab.plan.objectives import parse_objectives
from benchlab.text import one_line, plural
from benchlab.units import NS_PER_MS, NS_PER_S, format_count, format_ms, format_rate

__all__ = ["run_charts", "run_numbers", "run_view"]

_FEW_RATIO = 0.01
_DRAWN = ("p50", "p99")
_ROUNDING_S = 1e-6
_HOSTS_SHOWN = 8
_LENGTH = 60


def run_view(progress: Progress) -> LiveView:
    """The state of a run: its numbers, its course, its objectives as they stand, its hosts."""
    return LiveView(
        title=progress.title or "run",
        phase=progress.phase,
        done_ratio=progress.done_ratio,
        done=done_text(progress),
        left_s=_left_s(progress),
        numbers=run_numbers(progress),
        charts=run_charts(progress),
        rows=(
            *(Row(item.text, item.observed, item.met) for item in progress.objectives),
            *_host_rows(progress),
        ),
        finished=progress.phase == "done",
        stop_requested=progress.phase == "stopping",
    )


def _host_rows(progress: Progress) -> Iterator[Row]:
    """A row per host of a cluster; of many those that are lost, and how many others there are."""
    hosts = sorted(progress.hosts, key=lambda item: not item[0].lost)
    for host, count in hosts[:_HOSTS_SHOWN]:
        workers, requests = len(host.workers), plural(count, progress.sample_noun)
        made = f"{plural(workers, 'worker')}, {requests}"
        name = f"host {one_line(host.name, _LENGTH)}"
        if host.lost:
            yield Row(name, f"lost: {one_line(host.lost, _LENGTH)} ({made} received)", met=False)
        else:
            yield Row(name, made)
    if more := hosts[_HOSTS_SHOWN:]:
        lost = sum(bool(host.lost) for host, _ in more)
        also = f", {lost:,} of them lost" if lost else ""
        yield Row(f"and {plural(len(more), 'host')} more{also}")


def run_numbers(progress: Progress | None) -> tuple[Number, ...]:
    """The numbers of a run so far; dashes for a run that has not begun."""
    found = Progress("", 0.0, 0.0) if progress is None else progress
    rate = "–" if progress is None else format_rate(found.rate_rps, found.sample_noun)
    in_flight = "–" if found.in_flight is None else format_count(found.in_flight)
    return (
        Number("rate", rate, width=1.4),
        Number("p50", _ms(found.p50_ns)),
        Number("p99", _ms(found.p99_ns)),
        Number("errors", format_count(found.error_count), _error_level(found)),
        Number("lag p99", _ms(found.lag_p99_ns)),
        Number("in flight", in_flight),
    )


def run_charts(progress: Progress | None) -> tuple[Chart, ...]:
    """The course of a run: rate, latency, errors and the generator's lag; empty before it."""
    series = (progress and progress.series) or ProgressSeries()
    noun = "request" if progress is None else progress.sample_noun
    # In the middle of the intervals, where their mean belongs.
    x = [at + series.width_s / 2 for at in series.t_s]
    axis = Axis("s", most=_length_s(progress, x))
    warmup_s = 0.0 if progress is None else progress.warmup_s

    def chart(title: str, unit: str, *lines: Line, marks: Sequence[Mark] = ()) -> Chart:
        if warmup_s:
            name = "warm-up until here" if title == "rate" else ""
            marks = (*marks, Mark(name, x=warmup_s))
        return Chart(
            title=title,
            x=x,
            lines=lines,
            marks=tuple(marks),
            spans=_faults(progress, named=title == "rate"),
            x_axis=axis,
            y_axis=Axis(unit),
        )

    return (
        chart(
            "rate",
            f"{noun}s/s",
            Line("rate", _within(progress, series)),
        ),
        chart(
            "latency",
            "ms",
            Line("p50", series.p50_ms),
            Line("p99", series.p99_ms, "second"),
            marks=() if progress is None else _limits(progress),
        ),
        chart("errors", "per s", Line("errors", series.error_rps, "bad")),
        chart("lag of the generator, p99", "ms", Line("lag", series.lag_p99_ms, "neutral")),
    )


def _faults(progress: Progress | None, *, named: bool) -> tuple[Span, ...]:
    """When faults were on, so far."""
    return tuple(
        Span(
            record.began_ns / NS_PER_S,
            None if record.ended_ns is None else record.ended_ns / NS_PER_S,
            record.kind if named else "",
        )
        for record in (() if progress is None else progress.faults)
    )


def _length_s(progress: Progress | None, x: Sequence[float]) -> float | None:
    """The time that the charts cover: the run's, if it is known."""
    if progress is None or progress.total_count:
        return None
    return max([progress.total_s, *x[-1:]])


def _within(progress: Progress | None, series: ProgressSeries) -> tuple[float, ...]:
    """The rate in the intervals that lie within the run: what ends after it is a part of one."""
    if progress is None:
        return series.rate_rps
    end_s = progress.elapsed_s + _ROUNDING_S
    count = sum(at + series.width_s <= end_s for at in series.t_s)
    return series.rate_rps[: max(1, count)]


def _limits(progress: Progress) -> list[Mark]:
    """The objectives that are about a line of the chart of latencies."""
    parsed = parse_objectives([item.text for item in progress.objectives], "slo")
    return [
        Mark(str(item), y=item.limit / NS_PER_MS)
        for item in parsed
        if item.of == "latency" and item.statistic in _DRAWN and not item.endpoint
    ]


def _left_s(progress: Progress) -> float | None:
    """The time that is left: of a number of requests, at the pace so far."""
    if progress.phase not in ("warm-up", "measuring"):
        return None
    if not progress.total_count:
        return progress.total_s - progress.elapsed_s
    measured_s = progress.elapsed_s - progress.warmup_s
    if not progress.done_count or measured_s <= 0:
        return None
    return measured_s * (progress.total_count / progress.done_count - 1)


def _ms(value_ns: int | None) -> str:
    return "–" if value_ns is None else format_ms(value_ns)


def _error_level(progress: Progress) -> Level:
    if not progress.error_count:
        return "neutral"
    return "caution" if progress.error_count < _FEW_RATIO * progress.count else "bad"
