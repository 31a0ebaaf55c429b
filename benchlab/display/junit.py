"""JUnit XML, which systems for continuous integration show as tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple
from xml.etree import ElementTree as ET

from benchlab.text import printable

__all__ = ["Case", "junit_xml"]


class Case(NamedTuple):
    """A test case; ``text`` is what was found.

    A ``failure`` is of what was measured, an ``error`` of the measurement itself; ``skipped`` is
    what could not be decided. ``reason`` is a word for why.
    """

    name: str
    text: str
    outcome: Literal["passed", "failure", "error", "skipped"] = "passed"
    reason: str = ""


def junit_xml(
    suite: str,
    classname: str,
    cases: Sequence[Case],
    *,
    properties: Mapping[str, str] | None = None,
    time_s: float = 0,
    timestamp: str = "",
    output: str = "",
) -> str:
    """One suite of ``cases`` as XML; whatever they were named by, it is well-formed.

    Source: the schema that Jenkins and GitLab read, testmoapp/junitxml on GitHub.
    """
    counts = {"tests": str(len(cases))} | {
        name: str(sum(case.outcome == kind for case in cases))
        for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    time = f"{time_s:.3f}"
    root = ET.Element("testsuites", {"name": "benchlab", **counts, "time": time})
    about = {"name": _text(suite), **counts, "time": time}
    if timestamp:
        about["timestamp"] = timestamp
    element = ET.SubElement(root, "testsuite", about)
    if properties:
        parent = ET.SubElement(element, "properties")
        for name, value in properties.items():
            ET.SubElement(parent, "property", {"name": _text(name), "value": _text(value)})
    for case in cases:
        _add(element, classname, case)
    if output:
        ET.SubElement(element, "system-out").text = _text(output)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add(suite: ET.Element, classname: str, case: Case) -> None:
    element = ET.SubElement(
        suite, "testcase", {"classname": classname, "name": _text(case.name), "time": "0"}
    )
    text = _text(case.text)
    if case.outcome == "skipped":
        ET.SubElement(element, "skipped", {"message": text})
    elif case.outcome != "passed":
        about = {"type": _text(case.reason), "message": text}
        ET.SubElement(element, case.outcome, about).text = text
    ET.SubElement(element, "system-out").text = text


def _text(text: str) -> str:
    """``text`` without the characters that XML cannot hold; the rest is escaped when written."""
    return printable(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
