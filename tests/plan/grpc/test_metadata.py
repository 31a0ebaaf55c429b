"""Metadata of calls."""

from __future__ import annotations

from typing import Any

import pytest

from benchlab.errors import InputError
from benchlab.plan.grpc.metadata import metadata_pairs


@pytest.mark.parametrize(
    ("given", "pairs"),
    [
        ({}, ()),
        ({"Tenant": "a"}, (("tenant", "a"),)),
        ({"Trace-Bin": b"\x00\x01"}, (("trace-bin", "AAE="),)),
        ({"trace-bin": "AAE"}, (("trace-bin", "AAE"),)),
        ({"trace-bin": "{{token}}"}, (("trace-bin", "{{token}}"),)),
        ({"trace-bin": "***"}, (("trace-bin", "***"),)),  # of a stored plan
        ([("a", "1"), ("a", "2")], (("a", "1"), ("a", "2"))),
        ({"n": 5}, (("n", "5"),)),
    ],
)
def test_names_are_in_lower_case_and_bytes_in_base64(given: Any, pairs: Any) -> None:
    assert metadata_pairs(given) == pairs


@pytest.mark.parametrize(
    ("given", "named", "remedy"),
    [
        ({"a b": "x"}, "'a b'", "letters"),
        ({":path": "x"}, "':path'", "letters"),
        ({"a": b"x"}, "a has bytes", "a-bin"),
        ({"a": "é"}, "printable ASCII", "-bin"),
        ({"a": "x\ny"}, "printable ASCII", "-bin"),
        ({"a-bin": "!"}, "base64", "give bytes"),
        ({"grpc-timeout": "1S"}, "grpc-timeout", "deadline_s"),
        ({"grpc-encoding": "gzip"}, "grpc-encoding", "compression"),
        ({"grpc-anything": "x"}, "grpc-anything", "protocol"),
        ({"Content-Type": "x"}, "content-type", "application/grpc"),
        ({"te": "x"}, "te", "trailers"),
        ({"host": "x"}, "host", "protocol"),
        ("a: b", "str", "mapping"),
        (5, "int", "mapping"),
        ([("a", "b", "c")], "list", "mapping"),
    ],
)
def test_what_grpc_does_not_allow_is_refused(given: Any, named: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        metadata_pairs(given)
    assert caught.value.field == "metadata"
    assert named in caught.value.problem
    assert remedy in caught.value.remedy
