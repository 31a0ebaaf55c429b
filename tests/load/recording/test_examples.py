"""The file of failed requests: bounded, in run time, and never a reason to fail a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.decoding import decode_lines
from benchlab.load.recording.examples import Examples
from benchlab.load.recording.outcome import Excerpt, Outcome
from benchlab.samples.examples import PER_KIND, Example
from benchlab.samples.samples import ErrorKind, Flag

START, WARMUP = 1_000_000, 100


def make(path: Path) -> Examples:
    examples = Examples(path, ["a", "b"], WARMUP)
    examples.start_ns = START
    return examples


def keep(examples: Examples, intended: int, endpoint: int = 0, count: int = 1) -> None:
    for seq in range(count):
        outcome = Outcome(
            seq,
            intended,
            intended,
            0,
            intended,
            0,
            0,
            endpoint,
            ErrorKind.RESET,
            0,
            message="gone",
            excerpt=excerpt,
        )
        examples.record_example(outcome)


def excerpt() -> Excerpt:
    return Excerpt([("Cookie", "x")], b"y")


def read(path: Path) -> list[Example]:
    return decode_lines(path, Example)


def test_the_first_of_each_endpoint_and_phase_are_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "examples"
    examples = make(path)
    keep(examples, START + 50, count=20)
    assert len(read(path)) == PER_KIND
    keep(examples, START + 150, count=20)
    keep(examples, START + 150, endpoint=1)
    found = read(path)
    assert len(found) == 2 * PER_KIND + 1
    assert (found[0].intended_ns, found[-1].intended_ns) == (50, 150)
    assert (found[0].endpoint, found[-1].endpoint) == ("a", "b")
    assert found[0].headers == (("Cookie", "***"),)


def test_examples_are_complete_only_when_no_more_can_be_needed(tmp_path: Path) -> None:
    examples = make(tmp_path / "examples")
    keep(examples, START + 50, count=20)
    assert not examples.wants(ErrorKind.RESET, 0, START + 50)
    assert not examples.is_complete(ErrorKind.RESET, 0, START + 50)  # the measured window will want
    assert not examples.is_complete(ErrorKind.RESET, 0, START + 150)
    keep(examples, START + 150, count=20)
    assert examples.is_complete(ErrorKind.RESET, 0, START + 150)
    assert not examples.is_complete(ErrorKind.RESET, 1, START + 150)


def test_an_unwritable_file_does_not_stop_the_run(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "examples"
    examples = make(path)
    keep(examples, START + 150, count=3)
    path.parent.mkdir()
    keep(examples, START + 150, count=3)
    assert not path.exists()


@pytest.mark.parametrize(
    ("error", "status", "flags", "message"),
    [
        (
            ErrorKind.CLOSED,
            0,
            0,
            "the service closed the connection before a response came, on a reused connection",
        ),
        (
            ErrorKind.RESET,
            0,
            Flag.NEW_CONNECTION,
            "the service reset the connection before a response came",
        ),
        (
            ErrorKind.CLOSED,
            200,
            0,
            "the service closed the connection after status 200 and 7 bytes of the body",
        ),
        (ErrorKind.TIMEOUT, 0, 0, "the request timed out before a response came"),
    ],
)
def test_an_unfinished_request_says_how_far_it_came(
    error: ErrorKind, status: int, flags: int, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "examples"
    outcome = Outcome(0, START, START, 0, START, 7 if status else 0, status, 0, error, flags)
    make(path).record_example(outcome)
    assert read(path)[0].message == message
