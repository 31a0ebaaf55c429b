"""A scenario, as people see it: the service, its steps and its source."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.plan.scenario import Scenario
from benchlab.redact import public_text, public_url
from benchlab.text import plural

__all__ = ["view"]

_LINES_SHOWN = 40


def view(scenario: Scenario) -> ResultView:
    """The function and the service it is for; the steps, if a run found them."""
    lines = public_text(scenario.source).splitlines()
    facts = [("steps", ", ".join(scenario.steps))] if scenario.steps else []
    facts += [("file", scenario.function)] if scenario.function else []
    facts += [("data", scenario.data.describe())] if scenario.data is not None else []
    hidden = len(lines) - _LINES_SHOWN
    return ResultView(
        title=scenario.name,
        banner="scenario",
        level="neutral",
        sentence=f"users of {public_url(scenario.base_url)} that follow code",
        facts=tuple(facts),
        tables=(
            Table(
                ["line", "source"],
                [
                    [str(number), _indented(line)]
                    for number, line in enumerate(lines[:_LINES_SHOWN], 1)
                ],
                note=f"and {plural(hidden, 'line')} more" if hidden > 0 else "",
            ),
        ),
    )


def _indented(line: str) -> str:
    """``line`` with an indent that a page keeps."""
    code = line.lstrip()
    return "\u00a0" * (len(line) - len(code)) + code
