"""The outcome of an experiment in a few words, for a list of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchlab.text import plural

__all__ = ["outcome", "percent_change", "ratio_text", "signed"]

Found = Mapping[str, Any]

_MOST_RATIO = 11.0


def outcome(kind: str, result: Found) -> str:
    """The result of an experiment of this kind in a few words; without a kind, of one unfinished.

    >>> outcome("ab", {}), outcome("", {})
    ('no result', 'not finished')
    """
    if not result:
        return "no result" if kind else "not finished"
    return _OUTCOMES[kind](result) if kind in _OUTCOMES else ""


def ratio_text(ratio: float, low: float | None, high: float | None) -> str:
    """A ratio as a change in percent, with its interval if there is one.

    >>> ratio_text(1.012, 0.992, 1.031)
    '+1.2 % (−0.8 to +3.1 %)'
    """
    if low is None or high is None:
        return f"{percent_change(ratio)} %"
    return f"{percent_change(ratio)} % ({percent_change(low)} to {percent_change(high)} %)"


def percent_change(ratio: float) -> str:
    """A ratio as a change in percent, without the sign for percent; beyond 1,000 only that it is.

    >>> percent_change(0.95), percent_change(1.0), percent_change(1e6)
    ('−5.0', '0.0', 'over +1,000')
    """
    return "over +1,000" if ratio > _MOST_RATIO else signed(100 * (ratio - 1))


def signed(value: float) -> str:
    """A difference with one decimal, and with a sign unless it rounds to 0.

    >>> signed(-1234.56), signed(-0.04)
    ('−1,234.6', '0.0')
    """
    text = f"{value:+,.1f}".replace("-", "−")
    return "0.0" if text[1:] == "0.0" else text


def _comparison(result: Found) -> str:
    if result["reason"] == "errors":
        return f"{result['verdict']}: more errors"
    metric = result["metrics"].get(result["primary"], {})
    if metric.get("ratio") is None:
        return str(result["verdict"])
    change = ratio_text(metric["ratio"], metric["ratio_low"], metric["ratio_high"])
    return f"{result['verdict']}: {result['primary']} {change}"


def _capacity(result: Found) -> str:
    if result["rate_rps"] is None:
        return f"none: {result['objective']}"
    low, high = result["rate_low"], result["rate_high"]
    between = f"at least {low:,.4g}" if high is None else f"{low:,.4g} to {high:,.4g}"
    rate = f"{result['rate_rps']:,.4g} requests/s ({between})"
    return f"{rate}, limit: {result['limited_by']}"


def _sweep(result: Found) -> str:
    done, failed = len(result["points"]), sum(bool(point["error"]) for point in result["points"])
    planned = result["planned"]  # 0 if it was not finished, and only its runs are known
    points = f"{done} of {plural(planned, 'point')}" if planned else plural(done, "point")
    shown = f"{points} over {', '.join(result['names'])}"
    return f"{shown}, {failed} failed" if failed else shown


def _trend(result: Found) -> str:
    if not result["changes"]:
        return f"no change of {result['metric']}"
    last = result["changes"][-1]
    by = "" if last["ratio"] is None else f" {percent_change(last['ratio'])} %"
    return f"{last['direction']}: {result['metric']}{by} from run {last['first_bad']['run_id']}"


_OUTCOMES: Mapping[str, Callable[[Found], str]] = {
    "ab": _comparison,
    "capacity": _capacity,
    "sweep": _sweep,
    "trend": _trend,
}
