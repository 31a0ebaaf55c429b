"""A comparison as JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence

from benchlab.analysis.comparison import ERRORS, Comparison
from benchlab.display.junit import Case, junit_xml
from benchlab.display.results.comparison import metric_sentence, title
from benchlab.statistics.change import Change

__all__ = ["comparison_junit"]


def comparison_junit(result: Comparison, fail_on: Sequence[Change]) -> str:
    """XML with a test case for each metric; one fails if the verdict is one of ``fail_on``.

    That is the case of what decided: the primary metric, or the share of errors. So a build fails
    by this file exactly if it does by the exit code, and not by any of several metrics. Each case
    has the sentence on its metric as output; the suite has the warnings.
    """
    deciding = ERRORS if result.reason == "errors" else result.primary
    failed = deciding if result.verdict in fail_on else None
    return junit_xml(
        title(result),
        "benchlab.compare",
        [_case(result, name, failed=name == failed) for name in [*result.metrics, ERRORS]],
        properties={
            "verdict": result.verdict,
            "base": ",".join(result.base),
            "new": ",".join(result.new),
        },
        output="\n".join(result.warnings),
    )


def _case(result: Comparison, metric: str, *, failed: bool) -> Case:
    verdict = result.verdict_of(metric)
    return Case(
        f"{metric} (primary)" if metric == result.primary else metric,
        f"{verdict}: {metric_sentence(result, metric)}",
        "failure" if failed else "passed",
        verdict,
    )
