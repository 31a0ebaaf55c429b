"""A comparison as JUnit XML, which systems for continuous integration show as tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from benchlab.analysis.comparison import ERRORS, Comparison
from benchlab.display.results.comparison import metric_sentence, title
from benchlab.statistics.change import Change
from benchlab.text import printable

__all__ = ["comparison_junit"]

_NAME: Final = "benchlab.compare"


def comparison_junit(result: Comparison, fail_on: Sequence[Change]) -> str:
    """XML with a test case for each metric; one fails if the verdict is one of ``fail_on``.

    That is the case of what decided: the primary metric, or the share of errors. So a build fails
    by this file exactly if it does by the exit code, and not by any of several metrics. Each case
    has the sentence on its metric as output; the suite has the warnings.

    Source: the schema that Jenkins and GitLab read, testmoapp/junitxml on GitHub.
    """
    metrics = [*result.metrics, ERRORS]
    deciding = ERRORS if result.reason == "errors" else result.primary
    failed = deciding if result.verdict in fail_on else None
    counts = {"tests": str(len(metrics)), "failures": "1" if failed else "0", "errors": "0"}
    root = ET.Element("testsuites", {"name": "benchlab", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": _text(title(result)), **counts, "time": "0"})
    for name in metrics:
        case = ET.SubElement(
            suite, "testcase", {"classname": _NAME, "name": _case(result, name), "time": "0"}
        )
        sentence = _text(f"{result.verdict_of(name)}: {metric_sentence(result, name)}")
        if name == failed:
            failure = ET.SubElement(
                case, "failure", {"type": result.verdict_of(name), "message": sentence}
            )
            failure.text = sentence
        ET.SubElement(case, "system-out").text = sentence
    if result.warnings:
        ET.SubElement(suite, "system-out").text = _text("\n".join(result.warnings))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(result: Comparison, metric: str) -> str:
    return f"{metric} (primary)" if metric == result.primary else metric


def _text(text: str) -> str:
    """``text`` without the characters that XML cannot hold; the rest is escaped when written."""
    return printable(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
