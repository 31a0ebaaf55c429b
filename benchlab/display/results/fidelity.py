"""How faithfully a replay sent what was recorded, as people see it."""

from __future__ import annotations

from collections.abc import Iterator

from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.plan.recording.skipped import describe_skipped
from benchlab.runs.fidelity import KS_LIMIT, MIX_ERROR_LIMIT_RATIO, Fidelity
from benchlab.runs.verdict import LAG_P99_LIMIT_NS
from benchlab.text import one_line
from benchlab.units import NS_PER_S, format_count, format_ms, format_ratio

__all__ = ["view"]

_LONGEST = 60


def view(result: Fidelity) -> ResultView:
    """Whether the replay is faithful, and each figure with its limit."""
    return ResultView(
        title=f"Fidelity of the replay: {one_line(result.name, _LONGEST)}",
        banner=result.verdict,
        level="good" if result.faithful else "bad",
        sentence=_sentence(result),
        facts=tuple(_facts(result)),
        tables=(_figures(result),),
        notes=(
            "Inter-arrivals are the times from one request to the next. Their Kolmogorov–Smirnov"
            " distance is the largest difference between the shares, recorded and sent, of those up"
            " to any length. It is large of itself where many of the recorded ones are equal:"
            f" beyond {result.tolerance_text}, differences of less than that do not count.",
            "Lag is how long after its time a request was sent. The mix error is the largest"
            " difference between the shares of an endpoint, recorded and sent.",
        ),
    )


def _sentence(result: Fidelity) -> str:
    if result.faithful:
        return "What was sent is what was recorded, within the limits below."
    return f"{one_line('; '.join(result.problems), 400)}."


def _facts(result: Fidelity) -> Iterator[tuple[str, str]]:
    if result.source:
        yield "recording", one_line(result.source, 2 * _LONGEST)
    if result.speed != 1:
        yield "speed", f"{result.speed:g} × as fast"
    if skipped := describe_skipped(result.skipped):
        yield "left out when it was read", ", ".join(skipped)


def _figures(result: Fidelity) -> Table:
    return Table(["figure", "value", "limit"], [list(row) for row in _rows(result)])


def _rows(result: Fidelity) -> Iterator[tuple[str, str, str]]:
    yield "requests recorded", format_count(result.recorded_count), ""
    yield "requests sent", format_count(result.sent_count), ""
    yield "dropped", format_count(result.dropped_count), "0"
    yield "from the first to the last, recorded", f"{result.recorded_span_ns / NS_PER_S:.3f} s", ""
    yield "from the first to the last, sent", f"{result.sent_span_ns / NS_PER_S:.3f} s", ""
    if result.ks_distance is not None and result.ks_distance_tolerant is not None:
        yield "KS distance of inter-arrivals", f"{result.ks_distance:.4f}", ""
        beyond = f"the same beyond {result.tolerance_text}"
        yield beyond, f"{result.ks_distance_tolerant:.4f}", f"{KS_LIMIT:g}"
    if result.lag_p50_ns is not None and result.lag_p99_ns is not None:
        yield "dispatch lag, p50", format_ms(result.lag_p50_ns), ""
        yield "dispatch lag, p99", format_ms(result.lag_p99_ns), format_ms(LAG_P99_LIMIT_NS)
    if result.mix_error_ratio is not None:
        of = (
            f" ({one_line(result.mix_error_endpoint, _LONGEST)})"
            if result.mix_error_endpoint
            else ""
        )
        yield (
            f"mix error{of}",
            format_ratio(result.mix_error_ratio),
            format_ratio(MIX_ERROR_LIMIT_RATIO),
        )
