"""Events of workers are the same after encoding and decoding."""

from __future__ import annotations

import pickle

import pytest

from benchlab.errors import BenchlabError, InputError, MissingPackageError, TargetError
from benchlab.processes.events import READY, STOPPING, Event, error_line, parse_event


@pytest.mark.parametrize(
    "error",
    [
        TargetError("the host 'x' is unknown", remedy="check its name"),
        TargetError("an Error\nof two lines"),
        InputError("is wrong", field="ca_file", value="a.pem", where="plan.toml"),
        MissingPackageError("needs h2"),
    ],
)
def test_an_error_keeps_its_class_and_its_parts(error: BenchlabError) -> None:
    line = error_line(error)
    assert line.count(b"\n") == 1
    for copy in (parse_event(line).error, pickle.loads(pickle.dumps(error))):
        assert type(copy) is type(error)
        assert copy.to_dict() == error.to_dict()
        assert str(copy) == str(error)


def test_a_value_that_json_lacks_is_left_out() -> None:
    error = parse_event(error_line(InputError("is wrong", field="load", value=object()))).error
    assert isinstance(error, InputError)
    assert error.value is ...
    assert str(error) == "load: is wrong"


@pytest.mark.parametrize(
    "line",
    [
        b"loading the site's settings",
        b"\xff",
        b"5",
        b"{}",
        b'{"event": "resting"}',
        b'{"event": "error"}',
        b'{"event": "error", "kind": "NoSuchError", "arguments": {}}',
        b'{"event": "error", "kind": "Any", "arguments": {}}',
        b'{"event": "error", "kind": "InputError", "arguments": {"colour": 1}}',
    ],
)
def test_another_line_is_no_event(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_event(line)


def test_events_without_an_error() -> None:
    assert parse_event(READY) == Event("ready")
    assert parse_event(STOPPING) == Event("stopping")
