"""A comparison as people see it."""

from __future__ import annotations

from typing import Final

from benchlab.analysis.comparison import (
    ERRORS,
    Comparison,
    Design,
    ErrorComparison,
    MetricComparison,
)
from benchlab.analysis.run_statistics import METRICS
from benchlab.display.banner import Level
from benchlab.display.outcome import percent_change, signed
from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.statistics.change import Change
from benchlab.text import plural
from benchlab.units import format_ms, format_ratio

__all__ = ["CHANGE_LEVELS", "metric_sentence", "title", "view"]

CHANGE_LEVELS: Final[dict[Change, Level]] = {
    "faster": "good",
    "slower": "bad",
    "same": "neutral",
    "inconclusive": "caution",
}

_DESIGNS: Final[dict[Design, str]] = {
    "paired_blocks": "pairs of blocks, interleaved",
    "independent_runs": "independent runs",
    "single_runs_with_history": "two single runs, and the history of this plan",
    "single_runs": "two single runs",
}
_METHODS: Final[dict[Design, str]] = {
    "paired_blocks": "Ratio of each pair: Hodges–Lehmann estimate, interval by the signed-rank"
    " distribution. A percentile that single blocks are too small for is that of all blocks, with"
    " the error of half samples.",
    "independent_runs": "One value per run: ratio of geometric means, interval by Welch's t, or"
    " with a single run on one side by Student's t.",
    "single_runs_with_history": "Interval by Student's t, from the spread of the earlier runs.",
    "single_runs": "Without further runs there is no interval.",
}
_DASH = "–"


def view(result: Comparison) -> ResultView:
    """Verdict and answer, a table of all metrics, and how they were compared."""
    rows = [_metric_row(item) for item in result.metrics.values()]
    verdicts = [item.verdict for item in result.metrics.values()]
    rows.insert(-1, _error_row(result.errors))
    verdicts.insert(-1, result.errors.verdict)
    return ResultView(
        title=title(result),
        banner=result.verdict,
        level=CHANGE_LEVELS[result.verdict],
        sentence=_answer(result),
        facts=(
            ("compared", _DESIGNS[result.design]),
            ("threshold", f"{100 * result.threshold:g} %"),
            ("primary metric", _label(result.primary)),
        ),
        warnings=result.warnings,
        tables=(
            Table(
                [
                    "metric",
                    "verdict",
                    "base",
                    "new",
                    "change",
                    f"{_level(result)} interval",
                    "detectable",
                    "needed",
                ],
                rows,
                [CHANGE_LEVELS[verdict] for verdict in verdicts],
                note=f"needed: further {_unit(result)} that are likely to decide;"
                " detectable: the smallest change that is found in 80 % of such comparisons",
            ),
        ),
        notes=(_METHODS[result.design],),
    )


def title(result: Comparison) -> str:
    """What is compared: ``checkout: 5 runs against 5``."""
    base, new = result.base_name, result.new_name
    of_base = "" if base == new else f" of {base}"
    if result.design == "paired_blocks":
        count = plural(len(result.base), "pair")
        return f"{base}: {count} of blocks" if base == new else f"{new} against {base}: {count}"
    if len(result.base) == len(result.new) == 1:
        return f"{new}: run {result.new[0]} against {result.base[0]}{of_base}"
    return f"{new}: {plural(len(result.new), 'run')} against {len(result.base)}{of_base}"


def metric_sentence(result: Comparison, metric: str) -> str:
    """What was found of one metric: ``p50 is 12.3 % slower (95 % interval 10.1 to 14.2 %)``."""
    if metric == ERRORS:
        return _error_sentence(result)
    item = result.metrics[metric]
    label = METRICS[metric].label
    if item.ratio is None:
        return f"{label} cannot be compared: a ratio of these values is undefined"
    if item.ratio_low is None or item.ratio_high is None:
        return f"{label} was {_change(item.ratio)}, which may be chance"
    if item.verdict == "inconclusive":
        return (
            f"{label} may be anything from {_in_words(metric, item.ratio_low)} to"
            f" {_in_words(metric, item.ratio_high)}"
        )
    if item.verdict == "same":
        return (
            f"{label} is the same within {100 * result.threshold:g} %: {_change(item.ratio)}"
            f" ({_level(result)} interval {_interval(item.ratio_low, item.ratio_high)})"
        )
    ends = sorted((item.ratio_low, item.ratio_high), key=lambda end: abs(end - 1))
    return (
        f"{label} is {_in_words(metric, item.ratio)}"
        f" ({_level(result)} interval {_size(ends[0])} to {_size(ends[1])} %)"
    )


def _answer(result: Comparison) -> str:
    """The sentence on top: errors if they decide, else the primary metric; and what is missing."""
    if result.reason == "errors":
        return f"{_error_sentence(result)}; latencies do not make up for that"
    sentence = metric_sentence(result, result.primary)
    if result.verdict != "inconclusive" or result.primary == ERRORS:
        return sentence
    item = result.metrics[result.primary]
    if item.ratio is None:
        return sentence
    if item.ratio_low is None:
        more = _more(result, item.needed or 1)
        return f"{sentence}: at least {more} needed for an interval"
    if item.needed is None:
        return (
            f"{sentence}: it is so close to the threshold of {100 * result.threshold:g} % that no"
            f" reasonable number of {_unit(result)} would decide"
        )
    return f"{sentence}: about {_more(result, item.needed)} likely to decide it"


def _more(result: Comparison, count: int) -> str:
    """``12 more blocks are``: further ones, with their verb."""
    verb = "is" if count == 1 else "are"
    if result.design == "paired_blocks":
        return f"{plural(count, 'more block')} {verb}"
    return f"{plural(count, 'more run')} of each side {verb}"


def _unit(result: Comparison) -> str:
    return "blocks" if result.design == "paired_blocks" else "runs of each side"


def _error_sentence(result: Comparison) -> str:
    errors = result.errors
    if errors.base is None or errors.new is None or errors.difference_low is None:
        return "the share of errors cannot be compared: a side has no requests"
    shares = f"{format_ratio(errors.new)} of requests instead of {format_ratio(errors.base)}"
    low, high = 100 * errors.difference_low, 100 * (errors.difference_high or 0.0)
    interval = (
        f"({_level(result)} interval of the difference {signed(low)} to {signed(high)}"
        " percentage points)"
    )
    if errors.verdict == "slower":
        return f"the new side fails more: {shares} {interval}"
    if errors.verdict == "faster":
        return f"the new side fails less: {shares} {interval}"
    same = "both sides fail alike" if errors.verdict == "same" else "errors may differ or not"
    return f"{same}: {shares} {interval}"


def _metric_row(item: MetricComparison) -> list[str]:
    interval = detectable = _DASH
    if item.ratio_low is not None and item.ratio_high is not None:
        interval = _interval(item.ratio_low, item.ratio_high)
    if item.detectable_ratio is not None:
        detectable = f"{_size(item.detectable_ratio)} %"
    change = _DASH if item.ratio is None else _change(item.ratio)
    sides = [_value(item.metric, value) for value in (item.base, item.new)]
    needed = _DASH if item.needed is None else f"{item.needed:,}"
    label = METRICS[item.metric].label
    return [label, item.verdict, *sides, change, interval, detectable, needed]


def _error_row(item: ErrorComparison) -> list[str]:
    sides = [_DASH if value is None else format_ratio(value) for value in (item.base, item.new)]
    change = interval = _DASH
    if item.difference is not None:
        change = f"{signed(100 * item.difference)} pp"
    if item.difference_low is not None and item.difference_high is not None:
        low, high = (100 * end for end in (item.difference_low, item.difference_high))
        interval = f"{signed(low)} to {signed(high)} pp"
    return ["errors", item.verdict, *sides, change, interval, _DASH, _DASH]


def _label(metric: str) -> str:
    return "errors" if metric == ERRORS else METRICS[metric].label


def _value(metric: str, value: float | None) -> str:
    if value is None:
        return _DASH
    return format_ms(round(value)) if METRICS[metric].unit == "ns" else f"{value:,.1f}/s"


def _in_words(metric: str, ratio: float) -> str:
    """``12.3 % slower``, by what up means for the metric."""
    up, down = ("higher", "lower") if METRICS[metric].unit == "rps" else ("slower", "faster")
    return f"{_size(ratio)} % {up if ratio >= 1 else down}"


def _size(ratio: float) -> str:
    """The size of a change in percent, without its sign: ``12.3``, ``over 1,000``."""
    return percent_change(ratio).replace("+", "").removeprefix("−")


def _change(ratio: float) -> str:
    return f"{percent_change(ratio)} %"


def _interval(low: float, high: float) -> str:
    return f"{percent_change(low)} to {percent_change(high)} %"


def _level(result: Comparison) -> str:
    return f"{100 * result.level:g} %"
