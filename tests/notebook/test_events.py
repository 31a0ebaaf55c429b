"""Events that a notebook reports: whole lines, from where the reader was."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.notebook import events


def test_events_are_read_from_where_the_last_reading_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events"
    monkeypatch.setenv(events.VARIABLE, str(path))
    events.write({"pid": 1})
    found, offset = events.read(path)
    assert found == [{"pid": 1}]
    events.write({"report": "µ.html"})
    assert events.read(path, offset)[0] == [{"report": "µ.html"}]


def test_an_event_that_is_still_being_written_waits(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text('{"pid": 1}\n{"rep')
    assert events.read(path) == ([{"pid": 1}], 11)
    assert events.read(path, 11) == ([], 11)


def test_without_a_file_there_are_no_events(tmp_path: Path) -> None:
    assert events.read(tmp_path / "none", 7) == ([], 7)


@pytest.mark.parametrize("place", [None, "missing/events"])
def test_a_failed_write_is_ignored(
    place: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(events.VARIABLE, raising=False)
    if place is not None:
        monkeypatch.setenv(events.VARIABLE, str(tmp_path / place))
    events.write({"pid": 1})
    assert list(tmp_path.iterdir()) == []
