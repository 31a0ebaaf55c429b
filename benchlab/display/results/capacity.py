"""A capacity as people see it."""

from __future__ import annotations

from collections.abc import Mapping

from benchlab.analysis.capacity import Capacity, Limit
from benchlab.analysis.probe import Probe
from benchlab.display.banner import Level
from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.experiments.capacity_progress import CapacityProgress
from benchlab.text import plural
from benchlab.units import format_narrow_ms, format_ratio

__all__ = ["interval_text", "probe_text", "progress_text", "rate_text", "view"]

_LEVELS: Mapping[Limit, Level] = {
    "service": "good",
    "generator": "caution",
    "budget": "caution",
    "none": "neutral",
}
_LIMITS: Mapping[Limit, str] = {
    "service": "above, the service gives way",
    "generator": "above, the load generator gives way: the service may take more",
    "budget": "the search ended before more was known",
    "none": "nothing gave way up to the highest rate allowed",
}
_DECISION_LEVELS: Mapping[str, Level] = {"good": "good", "bad": "bad", "undecided": "neutral"}


def rate_text(rate_rps: float | None) -> str:
    """A rate with four digits; a dash if there is none.

    >>> rate_text(12345.6), rate_text(99.97), rate_text(None)
    ('12,350', '99.97', '–')
    """
    if rate_rps is None:
        return "–"
    return f"{float(f'{rate_rps:.4g}'):,.10g}"


def interval_text(low: float | None, high: float | None) -> str:
    """An interval of rates with its unit; open where it has no upper end.

    >>> interval_text(98.4, 101.2), interval_text(2000, None)
    ('98.4 to 101.2 requests/s', '2,000 requests/s or more')
    """
    if high is None:
        return f"{rate_text(low)} requests/s or more"
    return f"{rate_text(low)} to {rate_text(high)} requests/s"


def probe_text(probe: Probe) -> str:
    """A probe in a few words: its rate, what was decided, and who gave way."""
    share = "" if probe.attained_ratio is None else f", {format_ratio(probe.attained_ratio)} within"
    culprit = "" if probe.is_as_asked else ", the load generator gave way"
    return f"{rate_text(probe.rate_rps)} requests/s: {probe.decision}{share}{culprit}"


def progress_text(progress: CapacityProgress) -> str:
    """The probe that is made, and the interval so far.

    >>> progress_text(CapacityProgress(30.0, 120.0, 7, 97.58, "narrow", 88.2, 109.6))
    '30/120 s · probe 7 at 97.58 requests/s · so far 88.2 to 109.6 requests/s'
    """
    text = (
        f"{progress.elapsed_s:.0f}/{progress.budget_s:.0f} s · probe {progress.probe_number} at"
        f" {rate_text(progress.rate_rps)} requests/s"
    )
    if progress.low_rps is None:
        return text
    return f"{text} · so far {interval_text(progress.low_rps, progress.high_rps)}"


def view(result: Capacity) -> ResultView:
    """The capacity, its interval and what bounds it; then the probes."""
    unknown = result.rate_rps is None
    return ResultView(
        title=f"capacity of {result.name or 'the service'}",
        banner="no good probe" if unknown else f"{rate_text(result.rate_rps)} requests/s",
        level="bad" if unknown and result.limited_by == "service" else _LEVELS[result.limited_by],
        sentence=_sentence(result),
        facts=_facts(result),
        warnings=result.warnings,
        tables=(_probes(result),),
        notes=(
            "a probe is good when the share of requests within the objective is above what it needs"
            " (95 % interval, corrected for dependence); failed and unsent requests are outside",
        ),
    )


def _sentence(result: Capacity) -> str:
    if result.rate_rps is None:
        lowest = min((probe.rate_rps for probe in result.probes), default=None)
        bound = "" if result.rate_high is None else f", below {rate_text(result.rate_high)}"
        if result.limited_by == "service":
            return (
                f"no rate met {result.objective}, down to {rate_text(lowest)} requests/s: the"
                f" capacity is lower{bound}, or the service cannot meet it at all"
            )
        return f"no rate was shown to meet {result.objective}; {_LIMITS[result.limited_by]}"
    interval = interval_text(result.rate_low, result.rate_high)
    return f"meets {result.objective} (95 % interval {interval}); {_LIMITS[result.limited_by]}"


def _facts(result: Capacity) -> tuple[tuple[str, str], ...]:
    facts = [
        ("limited by", result.limited_by),
        ("interval", interval_text(result.rate_low, result.rate_high)),
        ("arrivals", result.arrivals),
        ("search", f"{plural(len(result.probes), 'probe')} in {result.took_s:,.0f} s"),
    ]
    if len({result.low_set_by, result.high_set_by} - {""}) > 1:
        facts.append(("bounds", f"low {result.low_set_by}, high {result.high_set_by}"))
    if result.experiment_id:
        facts.append(("experiment", result.experiment_id))
    return tuple((name, text) for name, text in facts if text)


def _probes(result: Capacity) -> Table:
    head = ("requests/s", "decision", "within", "latency, ms", "length, s", "verdict", "run")
    probes = sorted(result.probes, key=lambda probe: probe.rate_rps)
    rows = [
        [
            rate_text(probe.rate_rps),
            probe.decision if probe.is_as_asked else "generator",
            "–" if probe.attained_ratio is None else format_ratio(probe.attained_ratio),
            "–" if probe.latency_ns is None else format_narrow_ms(probe.latency_ns),
            f"{probe.duration_s:.1f}",
            probe.verdict,
            probe.run_id or "–",
        ]
        for probe in probes
    ]
    levels: list[Level] = [
        _DECISION_LEVELS[probe.decision] if probe.is_as_asked else "caution" for probe in probes
    ]
    note = "by rate; latency is the percentile of the objective, or else p99" if rows else ""
    return Table(head, rows, levels, note, "Probes")
