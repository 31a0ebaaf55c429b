"""How a run came through its faults, as people see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchlab.analysis.resilience import FaultEffect, FaultOutcome, Resilience
from benchlab.display.banner import Level
from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.text import one_line, plural
from benchlab.units import NS_PER_S, format_count, format_ms, format_ratio

__all__ = ["OUTCOME_LEVELS", "OUTCOME_NAMES", "view"]

OUTCOME_NAMES: Final[dict[FaultOutcome, str]] = {
    "metastable": "metastable",
    "not_recovered": "not recovered",
    "lasted": "lasted to the end",
    "failed": "fault failed",
    "already_broken": "already broken",
    "recovered": "recovered",
    "withstood": "withstood",
}
OUTCOME_LEVELS: Final[dict[FaultOutcome, Level]] = {
    "metastable": "bad",
    "not_recovered": "bad",
    "lasted": "caution",
    "failed": "caution",
    "already_broken": "caution",
    "recovered": "good",
    "withstood": "good",
}
_LONGEST = 60
_MOST_TRACES = 20
_EARLY_NS = NS_PER_S // 4


def view(result: Resilience) -> ResultView:
    """What is shown: the sentence of the fault to know first, and a row for each fault."""
    outcome = result.outcome
    first = max(
        (each for each in result.faults if each.outcome == outcome),
        key=lambda each: each.budget_burned_ratio or 0.0,
    )
    return ResultView(
        title=f"{one_line(result.name, _LONGEST)}: {plural(len(result.faults), 'fault')}",
        banner=OUTCOME_NAMES[first.outcome],
        level=OUTCOME_LEVELS[first.outcome],
        sentence=_sentence(result, first),
        facts=tuple(_facts(result)),
        warnings=tuple(_warnings(result)),
        tables=(_times(result), _depth(result), _slowest(result)),
        notes=tuple(_notes(result)),
    )


def _sentence(result: Resilience, effect: FaultEffect) -> str:
    """What the fault did, in a sentence."""
    name = one_line(effect.name, _LONGEST)
    subject = f"“{name}”" if len(result.faults) == 1 else f"Fault {effect.number}, “{name}”,"
    if effect.outcome == "failed":
        return f"{subject} could not be carried out: {one_line(effect.note, 200)}."
    if effect.outcome == "already_broken":
        return f"Nothing is attributed to {subject.rstrip(',')}: {effect.note}."
    objectives = " and ".join(one_line(each, _LONGEST) for each in effect.objectives)
    if effect.outcome == "withstood":
        watched = " and ".join(one_line(each.objective, _LONGEST) for each in result.objectives)
        return f"{subject} did not break {watched}."
    broke = f"{subject} broke {objectives} after {_time(effect.time_to_broken_ns)}"
    if effect.outcome == "recovered":
        if _held_early(effect):
            return f"{broke}; it held again before the fault ended."
        held = "they held" if len(effect.objectives) > 1 else "it held"
        return f"{broke}; {held} again {_time(effect.time_to_recovery_ns)} after the fault ended."
    if effect.outcome == "lasted":
        return f"{broke}, and the run ended with the fault: recovery was not observed."
    within = _time(effect.not_recovered_within_ns)
    if effect.outcome == "metastable":
        before, after = effect.goodput_before_rps or 0.0, effect.goodput_after_rps or 0.0
        return (
            f"{broke}, and it outlived its cause: {within} after the fault ended, with the load as"
            f" before, goodput is {after:,.0f}/s, and was {before:,.0f}/s."
        )
    return f"{broke}, and it did not hold again within {within} after the fault ended."


def _held_early(effect: FaultEffect) -> bool:
    """Whether the objectives held again clearly before the fault ended.

    Those who wait when it ends get their responses then, so it is over for them a little earlier.
    """
    if effect.recovery_ns is None or effect.cleared_ns is None:
        return effect.recovery_ns is not None
    return effect.cleared_ns - effect.recovery_ns > _EARLY_NS


def _facts(result: Resilience) -> Iterator[tuple[str, str]]:
    names = "objective" if len(result.objectives) == 1 else "objectives"
    yield names, ", ".join(one_line(each.objective, _LONGEST) for each in result.objectives)
    yield "windows", ", ".join(f"{each.window_s:g} s" for each in result.objectives)
    yield "requests", format_count(result.count)
    yield "before the first fault", f"{result.before_s:.3g} s"


def _warnings(result: Resilience) -> Iterator[str]:
    if result.left_out:
        names = ", ".join(one_line(each, _LONGEST) for each in result.left_out)
        yield f"Not watched, since they are no limits of single requests: {names}."
    if result.before_s <= 0:
        yield (
            "The first fault began with the measured window: there is nothing to compare depth and"
            " goodput with."
        )
    if result.other_periods:
        total_s = sum(end - start for start, end in result.other_periods) / NS_PER_S
        yield (
            f"Objectives were broken {plural(len(result.other_periods), 'time')} without a fault"
            f" that would explain it, {total_s:.2g} s in all."
        )
    for each in result.faults:
        if each.note and each.outcome in ("recovered", "not_recovered", "withstood"):
            yield f"Fault {each.number}: {one_line(each.note, 200)}."


def _times(result: Resilience) -> Table:
    rows = [
        [
            f"{each.number}: {one_line(each.name, _LONGEST)}",
            OUTCOME_NAMES[each.outcome],
            _at(each.began_ns),
            _at(each.ended_ns),
            _at(each.onset_ns),
            _at(each.recovery_ns),
            _time(each.time_to_broken_ns),
            _recovery(each),
        ]
        for each in result.faults
    ]
    head = [
        "fault",
        "outcome",
        "began, s",
        "ended, s",
        "broken from, s",
        "to, s",
        "broken after",
        "recovered after",
    ]
    levels = [OUTCOME_LEVELS[each.outcome] for each in result.faults]
    return Table(head, rows, levels, title="Faults, on the clock of the run")


def _depth(result: Resilience) -> Table:
    rows = [
        [
            str(each.number),
            "–" if each.error_ratio is None else format_ratio(each.error_ratio),
            _factor(each.latency_p50_factor),
            _factor(each.latency_p99_factor),
            _rate(each.goodput_before_rps),
            _rate(each.goodput_during_rps),
            "–" if each.affected_count is None else format_count(each.affected_count),
            "–" if each.budget_burned_ratio is None else f"{100 * each.budget_burned_ratio:,.0f} %",
        ]
        for each in result.faults
    ]
    head = [
        "fault",
        "errors",
        "p50",
        "p99",
        "goodput before, /s",
        "while broken, /s",
        "requests affected",
        "error budget",
    ]
    return Table(head, rows, title="How deep, and what it cost")


def _slowest(result: Resilience) -> Table:
    rows = [
        [
            str(each.number),
            slow.trace_id,
            _at(slow.intended_ns),
            format_ms(slow.latency_ns),
            slow.error or str(slow.status),
        ]
        for each in result.faults
        for slow in each.slowest
    ][:_MOST_TRACES]
    head = ["fault", "trace", "intended, s", "latency", "result"]
    traced = any(slow.traced for each in result.faults for slow in each.slowest)
    note = "" if traced else "None of them asked to be traced (trace_ratio)."
    return Table(head, rows, note=note, title="The slowest requests")


def _notes(result: Resilience) -> Iterator[str]:
    if result.objective_source == "derived":
        yield f"The plan has no objective that could break; this one is {result.derivation}."
    yield (
        "An objective is broken while the requests of a window are outside of it more often than it"
        " allows and chance explains; it holds again when it does for a whole window. When that"
        " began and ended is located by the likelihood of the single requests."
    )
    yield (
        "Failed requests are outside of every objective. Depth is of the requests while the fault"
        " was on and the objective broken; p50 and p99 are multiples of those before the first"
        " fault. The error budget is what the objective allows in the whole run."
    )


def _recovery(effect: FaultEffect) -> str:
    if effect.not_recovered_within_ns is not None:
        return f"> {_time(effect.not_recovered_within_ns)}"
    return _time(effect.time_to_recovery_ns)


def _time(value_ns: int | None) -> str:
    """A duration as a person reads it: in ms below a second."""
    if value_ns is None:
        return "–"
    if value_ns >= NS_PER_S:
        return f"{value_ns / NS_PER_S:.3g} s"
    return f"{value_ns / 1e6:.0f} ms"


def _at(time_ns: int | None) -> str:
    return "–" if time_ns is None else f"{time_ns / NS_PER_S:.3f}"


def _factor(factor: float | None) -> str:
    return "–" if factor is None else f"× {factor:.3g}"


def _rate(rate_rps: float | None) -> str:
    return "–" if rate_rps is None else f"{rate_rps:,.0f}"
