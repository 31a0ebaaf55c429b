"""The load generator's report on itself."""

from __future__ import annotations

from benchlab.display.run_view import host_table
from benchlab.display.table import Table
from benchlab.report.page import Section
from benchlab.runs.run import Run
from benchlab.runs.verdict import count_missing, own_lag_p99_by_worker
from benchlab.samples.samples import Flag
from benchlab.samples.summary import Distribution
from benchlab.text import plural
from benchlab.units import NS_PER_MS, format_bytes, format_column_ms, format_count, format_ms

__all__ = ["generator"]


def generator(run: Run) -> Section:
    """Sentences on how well the generator did its work, a row per worker, and one per host."""
    hosts = host_table(run.hosts, addresses=True)
    parts = {"sentences": _sentences(run), "workers": _table(run), "hosts": hosts}
    return Section("generator", parts)


def _sentences(run: Run) -> list[str]:
    """Sentences on how well the generator did its work."""
    if run.is_imported:
        return [f"{run.plan.load.source} reports nothing about its own generator."]
    workers, noun = run.health.workers, run.plan.sample_noun
    waited = sum(worker.cap_wait_count for worker in workers)
    sentences = [_missing(run)]
    if waited:
        sentences.append(
            f"{plural(waited, noun)} waited because every allowed connection was in use;"
            " the wait is part of their lag and latency."
        )
    if not run.plan.load.has_schedule:
        sentences.append("A closed loop has no schedule to fall behind, so its lag is zero.")
    elif (lag_ns := _own_lag_ns(run)) is not None:
        sentences.append(
            f"Half of all {noun}s were sent within {format_ms(lag_ns.p50)} of the"
            f" intended time, 99 % within {format_ms(lag_ns.p99)}."
        )
    if run.try_counts is not None and run.try_counts.extra:
        sentences.append("The lag of a retry or a hedge has the tries before it, and the pauses.")
    return sentences


def _own_lag_ns(run: Run) -> Distribution | None:
    """The lag of requests that were sent once: that of a retry is not the generator's."""
    if run.try_counts is None:
        return run.summary.lag_ns
    again = Flag.RETRY | Flag.HEDGE
    once = run.measured.choose(lambda records: (records["flags"] & again) == 0)
    return Distribution.of_blocks(once.in_blocks("lag_ns"))


def _missing(run: Run) -> str:
    """Whether every request has exactly one record, and how that is known."""
    noun, scheduled = run.plan.sample_noun, run.plan.scheduled_noun
    missing = count_missing(run.samples, run.plan.workers)
    if missing:
        have = "has" if missing == 1 else "have"
        return f"{plural(missing, noun)} {have} no record, or more than one."
    counted = f"{format_count(len(run.samples))} records, warm-up included, have no gap in their"
    intended = run.plan.intended_count()
    if intended is None or run.stopped_ns is not None:
        return f"No {noun} was dropped: the {counted} sequence numbers."
    return (
        f"No {noun} was dropped: the {counted} sequence numbers, and the schedule's"
        f" {plural(intended, scheduled)} of the measured window all have one."
        if intended == run.scheduled_count
        else f"The schedule has {plural(intended, scheduled)} in the measured window and"
        f" {format_count(run.scheduled_count)} were recorded."
    )


def _table(run: Run) -> Table | None:
    """A row per worker; None when none reported."""
    lags_ns = own_lag_p99_by_worker(run.measured, run.plan.workers)
    rows = [
        [
            str(worker.worker),
            _ms(lags_ns.get(worker.worker)),
            f"{worker.cpu_ratio * 100:.0f} %",
            format_count(worker.stall_count),
            f"{worker.stall_max_ns / NS_PER_MS:,.1f}",
            format_count(worker.in_flight_max),
            format_count(worker.connections_opened),
            format_count(worker.cap_wait_count),
            format_bytes(worker.memory_max_bytes) if worker.memory_max_bytes else "–",
            worker.clock or "–",
            worker.problem or "none",
        ]
        for worker in run.health.workers
    ]
    head = [
        "worker",
        "own lag p99, ms",
        "CPU",
        "stalls over 5 ms",
        "longest stall, ms",
        "most in flight",
    ]
    head += ["connections opened", "waited for one", "most memory", "clock", "problem"]
    return Table(head, rows) if rows else None


def _ms(value_ns: int | None) -> str:
    return "–" if value_ns is None else format_column_ms([value_ns])[0]
