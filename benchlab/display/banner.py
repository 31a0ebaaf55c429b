"""The line that a run opens with: what its generator did, and what the service did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from benchlab.text import plural

if TYPE_CHECKING:
    from benchlab.runs.run import Run
    from benchlab.runs.verdict import Verdict

__all__ = ["LEVELS", "SEPARATOR", "Banner", "Level", "banner", "banner_of"]

Level: TypeAlias = Literal["good", "caution", "bad", "neutral"]
"""How a result is coloured. Each renderer has a colour for every level."""

LEVELS: Final[Mapping[Verdict, Level]] = {
    "valid": "good",
    "invalid": "bad",
    "degraded": "caution",
    "interrupted": "caution",
    "imported": "neutral",
}

SEPARATOR: Final = " · "
"""Between the parts of a banner."""

_BETTER_TO_WORSE: Final[tuple[Level, ...]] = ("neutral", "good", "caution", "bad")
_FEW_FAILED_RATIO = 0.01
"""Fewer failures than this are a caution: they are outside of the 99th percentile."""


class Banner(NamedTuple):
    """What generator and service did, and the level of the worse of them."""

    text: str
    level: Level


def banner(
    verdict: Verdict,
    *,
    count: int,
    error_count: int,
    objective_count: int = 0,
    broken_count: int = 0,
) -> Banner:
    """The banner of a run of ``count`` requests and ``objective_count`` objectives.

    >>> banner("valid", count=10, error_count=3, objective_count=3, broken_count=1)
    Banner(text='valid · 30 % failed · 1 of 3 objectives broken', level='bad')
    >>> banner("valid", count=1000, error_count=0)
    Banner(text='valid', level='good')
    """
    parts: list[str] = [verdict]
    levels = [LEVELS[verdict]]
    if error_count:
        parts.append(f"{_percentage(error_count, count)} failed")
        levels.append("caution" if error_count < _FEW_FAILED_RATIO * count else "bad")
    if broken_count:
        parts.append(f"{broken_count:,} of {plural(objective_count, 'objective')} broken")
        levels.append("bad")
    return Banner(SEPARATOR.join(parts), max(levels, key=_BETTER_TO_WORSE.index))


def banner_of(run: Run) -> Banner:
    """The banner of ``run``."""
    summary = run.summary
    return banner(
        run.verdict,
        count=summary.count,
        error_count=summary.error_count,
        objective_count=len(run.objectives),
        broken_count=run.broken_objective_count,
    )


def _percentage(part: int, whole: int) -> str:
    """Up to three significant digits; never 0 % of something, nor 100 % of less than all."""
    percentage = 100 * part / whole
    if percentage < 0.01:
        return "<0.01 %"
    text = f"{percentage:.3g}"
    return ">99.9 %" if text == "100" and part < whole else f"{text} %"
