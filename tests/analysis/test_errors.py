from __future__ import annotations

import pytest

from benchlab.analysis.errors import errors_table
from benchlab.errors import InputError
from benchlab.plan.request import Request
from tests.runs.synthetic import URL, make_run
from tests.samples.long import as_if_long


def test_errors_are_counted_by_kind_and_status() -> None:
    measured = make_run(errors=True).measured
    table = errors_table(measured)
    assert table.to_dict("list") == {
        "kind": ["status", "reset"],
        "status": [503, 0],
        "count": [20, 10],
        "ratio": [0.02, 0.01],
    }
    with as_if_long():
        assert errors_table(measured).equals(table)
    assert errors_table(make_run().measured).empty


def test_errors_of_one_endpoint_are_a_share_of_its_requests() -> None:
    requests = [Request("GET", URL, name=name) for name in ("even", "odd")]
    measured = make_run(errors=True, requests=requests).measured
    assert errors_table(measured, endpoint="even")["ratio"].tolist() == [0.04]
    assert errors_table(measured, endpoint="odd")["kind"].tolist() == ["reset"]
    with pytest.raises(InputError, match="there are \\['even', 'odd'\\]"):
        errors_table(measured, endpoint="other")
