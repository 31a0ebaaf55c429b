"""A run as people see it: facts, their order and their names.

Terminal, notebook card and report page show the same `RunView`; they choose only its form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchlab.display.banner import Level, banner_of
from benchlab.display.table import Table
from benchlab.display.text import floor_text, steadiness_hints, verdict_meaning, window_text
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.host_record import HostRecord
from benchlab.runs.objective_results import ObjectiveResult
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from benchlab.samples.examples import show_first
from benchlab.samples.percentile_interval import PercentileInterval
from benchlab.samples.statistics import STATISTICS
from benchlab.samples.summary import Distribution, Summary
from benchlab.text import one_line, plural
from benchlab.units import (
    NS_PER_MS,
    NS_PER_S,
    format_bytes,
    format_column_ms,
    format_count,
    format_ms,
    format_narrow_ms,
    format_parts_ms,
    format_rate,
    format_ratio,
)

__all__ = [
    "ExampleLine",
    "Headline",
    "RunView",
    "duration_table",
    "durations_of",
    "fault_table",
    "host_table",
    "interval_table",
    "range_text",
    "view",
]

_EXAMPLES_SHOWN = 5
_ENDPOINTS_SHOWN = 25
_HOSTS_SHOWN = 25
_NUMBERS_SHOWN = 6
_LOST_LENGTH = 200
_NAME_LENGTH = 60
_DURATION_NAMES = {"service": "service time"}  # where people read another name


class Headline(NamedTuple):
    """A number to be seen first: label, value, unit, one line on what it means, its interval."""

    label: str
    value: str
    unit: str
    note: str
    alarming: bool = False
    interval: str = ""


class ExampleLine(NamedTuple):
    """A failed request in one line; ``endpoint`` is empty where the plan has only one."""

    kind: str
    endpoint: str
    text: str


@dataclass(frozen=True)
class RunView:
    """What is shown of a run, as text. An empty text or table has nothing to show.

    ``banner`` has the verdict and what the service did, and ``level`` is that of the worse.
    ``counted`` is what the samples are (``1,000 requests``, or a scenario's ``300 steps of 150
    iterations``). ``hints`` say what the numbers hide: a drift, a short warm-up, several kinds of
    requests. ``facts`` are counts and rates with their labels. ``durations`` keep their numbers,
    for a renderer to align; ``intervals`` are those of the latency's percentiles.
    """

    id: str
    name: str
    started: str
    target: str
    load: str
    window: str
    banner: str
    level: Level
    meaning: str
    reason: str
    hint: str
    warnings: tuple[str, ...]
    hints: tuple[str, ...]
    counted: str
    duration: str
    rate: str
    intended_rate: str
    errors: str
    error_kinds: str
    failed_note: str
    tries: str
    streams: str
    fidelity: str
    facts: tuple[tuple[str, str], ...]
    examples: tuple[ExampleLine, ...]
    headlines: tuple[Headline, ...]
    durations: Mapping[str, Distribution]
    intervals: Table
    floor: str
    has_floor: bool
    objectives: Table
    broken_count: int
    endpoints: Table
    faults: Table
    hosts: Table
    server: ServerSide = field(default_factory=ServerSide)

    @property
    def duration_table(self) -> Table:
        """A row per duration, in ms."""
        return duration_table(self.durations)


def view(run: Run, server: ServerSide | None = None) -> RunView:
    """``run`` as people see it, with what is known of the service's side."""
    summary, plan = run.summary, run.plan
    noun = plan.sample_noun
    counted = plural(summary.count, noun)
    iterations = ""
    if run.iteration_count is not None:
        iterations = f" of {plural(run.iteration_count, plan.scheduled_noun)}"
    intended = summary.intended_rate_rps
    rate = format_rate(summary.rate_rps, noun)
    intended_rate = "" if intended is None else format_rate(intended, noun)
    error_ratio = format_ratio(summary.error_ratio)
    tries = run.try_counts.describe() if run.try_counts else ""
    streams = run.stream_summary.describe() if run.stream_summary else ""
    fidelity = run.fidelity.describe() if run.fidelity else ""
    opening = banner_of(run)
    return RunView(
        id=run.id,
        name=run.name,
        started=run.started_at.strftime("%Y-%m-%d %H:%M:%S %Z").strip(),
        target=plan.describe_requests(),
        load=plan.load.describe(),
        window=window_text(run),
        banner=opening.text,
        level=opening.level,
        meaning=verdict_meaning(run),
        reason=run.invalid_reason or "",
        hint=run.hint or "",
        warnings=run.warnings,
        hints=steadiness_hints(run),
        counted=f"{counted}{iterations}",
        duration=_seconds(summary.duration_s),
        rate=rate,
        intended_rate=intended_rate,
        errors=f"{plural(summary.error_count, 'error')} ({error_ratio})",
        error_kinds=", ".join(
            f"{kind} {format_count(count)}" for kind, count in summary.errors.items()
        ),
        failed_note=_failed_note(summary, noun),
        tries=tries,
        facts=(
            (f"{noun}s", f"{format_count(summary.count)}{iterations}"),
            ("achieved", rate),
            *((("intended", intended_rate),) if intended_rate else ()),
            ("errors", f"{format_count(summary.error_count)} ({error_ratio})"),
            *((("tries", tries),) if tries else ()),
            *((("streams", streams),) if streams else ()),
            *((("replay", fidelity),) if fidelity else ()),
            ("received", format_bytes(summary.bytes_in)),
        ),
        examples=_examples(run),
        headlines=_headlines(run, noun),
        streams=streams,
        fidelity=fidelity,
        durations=durations_of(summary) | _stream_durations(run),
        intervals=interval_table(summary),
        floor=floor_text(run),
        has_floor=run.floor is not None,
        objectives=_objectives(run.objectives),
        broken_count=run.broken_objective_count,
        endpoints=_endpoints(run.by_endpoint(), noun),
        faults=fault_table(run.faults),
        hosts=host_table(run.hosts),
        server=server or ServerSide(),
    )


def durations_of(summary: Summary) -> dict[str, Distribution]:
    """The durations of which there are any, by their name, in the order people read them."""
    return {_DURATION_NAMES.get(name, name): part for name, part in summary.durations.items()}


def _stream_durations(run: Run) -> dict[str, Distribution]:
    return run.stream_summary.durations if run.stream_summary else {}


def duration_table(durations: Mapping[str, Distribution]) -> Table:
    """A row per duration, in ms."""
    rows = [
        [name, *format_column_ms(list(part.to_dict().values()))] for name, part in durations.items()
    ]
    return Table(["ms", *STATISTICS.values()], rows)


def fault_table(faults: Sequence[FaultRecord]) -> Table:
    """A row per fault, with the times at which it was on from the start of the run."""
    rows = [
        [record.fault, _run_time(record.began_ns), _run_time(record.ended_ns)] for record in faults
    ]
    return Table(("fault", "began, s", "ended, s"), rows)


def host_table(hosts: Sequence[HostRecord], *, addresses: bool = False) -> Table:
    """A row per host of a cluster: what is missing of it, its workers, and its clock.

    Of very many, those that lost something come first and are shown.
    """
    head = ["host", "state", "workers", "clock offset, s", "±, ms", "drift, ms", "late, ms"]
    shown, note = list(hosts), ""
    if more := max(len(shown) - _HOSTS_SHOWN, 0):
        shown.sort(key=lambda host: not host.lost)
        del shown[_HOSTS_SHOWN:]
        note = f"and {plural(more, 'host')} more; all are in --json and in run.hosts"
    names = Counter(host.name for host in shown)
    rows = [
        [
            one_line(
                host.name if names[host.name] == 1 else f"{host.name}, port {_port(host.address)}",
                _NAME_LENGTH,
            ),
            f"lost: {one_line(host.lost, _LOST_LENGTH)}" if host.lost else "complete",
            _numbers_text(host.workers),
            f"{host.clock_offset_ns / NS_PER_S:+,.6f}",
            f"{host.clock_error_ns / NS_PER_MS:,.3f}",
            "–" if host.clock_drift_ns is None else f"{host.clock_drift_ns / NS_PER_MS:+,.3f}",
            f"{host.start_late_ns / NS_PER_MS:,.3f}",
            host.address,
        ]
        for host in shown
    ]
    levels: list[Level] = ["bad" if host.lost else "good" for host in shown]
    if addresses:
        return Table([*head, "address"], rows, levels, note)
    return Table(head, [row[:-1] for row in rows], levels, note)


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _numbers_text(numbers: Sequence[int]) -> str:
    """``0, 4, 8``; of many the first few, the last, and how many there are."""
    if len(numbers) <= _NUMBERS_SHOWN:
        return ", ".join(map(str, numbers)) or "–"
    first = ", ".join(map(str, numbers[:3]))
    return f"{len(numbers)}: {first}, … {numbers[-1]}"


def _run_time(time_ns: int | None) -> str:
    return "–" if time_ns is None else f"{time_ns / NS_PER_S:.3f}"


def range_text(interval: PercentileInterval) -> str:
    """The limits of an interval in ms: ``1.20 to 1.31``, ``≥ 1.20``; a dash without any."""
    if interval.low_ns is None or interval.high_ns is None:
        return _interval_texts(interval)[0]
    return f"{format_narrow_ms(interval.low_ns)} to {format_narrow_ms(interval.high_ns)}"


def _interval_texts(interval: PercentileInterval) -> tuple[str, str, str]:
    """The limits of an interval in ms, and its ``n_eff``: ``≥`` before a lower bound alone."""
    low = format_narrow_ms(interval.low_ns)
    if interval.low_ns is not None and interval.high_ns is None:
        low = f"≥ {low}"
    n_eff = format_count(round(interval.n_eff)) if interval.n_eff else "–"
    return low, format_narrow_ms(interval.high_ns), n_eff


def interval_table(summary: Summary) -> Table:
    """A column per percentile of the latency; no rows if nothing can be said of any."""
    found = summary.latency_intervals
    head = ["latency, ms", *(STATISTICS[key] for key in found)]
    if all(interval.low_ns is None for interval in found.values()):
        return Table(head)
    columns = [_interval_texts(interval) for interval in found.values()]
    names = ("95 % interval from", "to", "n_eff")
    return Table(head, [list(row) for row in zip(names, *columns, strict=True)])


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.2f} s" if duration_s >= 1 else f"{duration_s:.3g} s"


def _examples(run: Run) -> tuple[ExampleLine, ...]:
    several = len(run.plan.endpoint_names) > 1
    return tuple(
        ExampleLine(
            example.kind,
            one_line(example.endpoint, _NAME_LENGTH) if several else "",
            example.describe(warmup=warmup),
        )
        for example, warmup in show_first(run.examples, run.plan.warmup_ns, _EXAMPLES_SHOWN)
    )


def _headlines(run: Run, noun: str) -> tuple[Headline, ...]:
    summary = run.summary
    p50, p99 = ("–", "", "no samples"), ("–", "", "no samples")
    if summary.latency_ns is not None:
        beside = ("", "")
        if run.floor is not None:
            floor = run.floor.under(run.plan.load)
            beside = (f", floor {format_ms(floor.p50)}", f", floor {format_ms(floor.p99)}")
        p50 = (
            *format_parts_ms(summary.latency_ns.p50),
            f"half of all {noun}s took longer{beside[0]}",
        )
        p99 = (*format_parts_ms(summary.latency_ns.p99), f"1 {noun} in 100 took longer{beside[1]}")
    return (
        Headline("Median latency (p50)", *p50, interval=_interval_of(summary, "p50")),
        Headline("99th percentile (p99)", *p99, interval=_interval_of(summary, "p99")),
        Headline("Rate achieved", f"{summary.rate_rps:,.1f}", f"{noun}s/s", _rate_note(run)),
        Headline(
            f"Failed {noun}s",
            format_count(summary.error_count),
            "",
            f"{format_ratio(summary.error_ratio)} of {plural(summary.count, noun)}",
            alarming=summary.error_count > 0,
        ),
    )


def _interval_of(summary: Summary, key: str) -> str:
    """``95 % interval 1.20 to 1.31 ms``; empty if nothing can be said."""
    interval = summary.latency_intervals.get(key)
    if interval is None or interval.low_ns is None:
        return ""
    return f"95 % interval {range_text(interval)} ms"


def _failed_note(summary: Summary, noun: str) -> str:
    if summary.error_count == 0:
        return ""
    return (
        f"{format_count(summary.error_count)} of {plural(summary.count, noun)} failed"
        f" ({format_ratio(summary.error_ratio)}). They count in every number"
        " that is not marked “successful only”."
    )


def _rate_note(run: Run) -> str:
    if run.is_imported:
        return f"from the first request to the last response, by {run.plan.load.source}"
    if not run.plan.load.has_schedule:
        return f"what {plural(run.plan.connection_limit, run.plan.user_noun)} achieved"
    if run.iteration_count is not None:
        return f"in {plural(run.iteration_count, run.plan.scheduled_noun)}"
    if run.summary.intended_rate_rps is None:
        return "sent until the run was stopped"
    return f"of {format_rate(run.summary.intended_rate_rps, run.plan.sample_noun)} intended"


def _objectives(results: Sequence[ObjectiveResult]) -> Table:
    """A row per objective, with a column of windows if any objective has them."""
    head = ["objective", "result", "observed", "windows"]
    rows = [
        [str(result.objective), result.outcome, result.observed_text, result.window_text]
        for result in results
    ]
    shown = len(head) if any(row[-1] for row in rows) else len(head) - 1
    levels: list[Level] = ["good" if result.met else "bad" for result in results]
    return Table(head[:shown], [row[:shown] for row in rows], levels)


def _endpoints(parts: Mapping[str, Summary], noun: str) -> Table:
    """A row per named request or step of the plan; none unless there are several.

    Of very many, those with the most failures, then the most requests, come first and are shown.
    """
    head = ("endpoint", f"{noun}s", "failed", f"{noun}s/s", "p50, ms", "p99, ms", "max, ms")
    if len(parts) < 2:
        return Table(head)
    shown, note = list(parts.items()), ""
    if more := max(len(parts) - _ENDPOINTS_SHOWN, 0):
        shown.sort(key=lambda part: (-part[1].error_count, -part[1].count))
        del shown[_ENDPOINTS_SHOWN:]
        note = (
            f"and {more:,} more, which have the fewest failures and {noun}s; all are in --json, the"
            " report's endpoints.csv, run.by_endpoint() and the SQL view per_endpoint"
        )
    latencies = [summary.latency_ns for _, summary in shown]
    columns = [
        format_column_ms([getattr(latency, key) if latency else 0 for latency in latencies])
        for key in ("p50", "p99", "max")
    ]
    rows = [
        [
            name,
            format_count(summary.count),
            format_count(summary.error_count),
            f"{summary.rate_rps:,.1f}",
            *(column[index] if summary.latency_ns else "–" for column in columns),
        ]
        for index, (name, summary) in enumerate(shown)
    ]
    return Table(head, rows, note=note)
