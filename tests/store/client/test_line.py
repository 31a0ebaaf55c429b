from __future__ import annotations

import os
import time
from pathlib import Path

from benchlab.store.client.line import place


def test_who_came_earlier_goes_first(tmp_path: Path) -> None:
    with place(tmp_path / "line") as early:
        assert early.is_first()
        with place(tmp_path / "line") as late:
            assert not late.is_first()
            assert early.is_first()
    assert list((tmp_path / "line").iterdir()) == []


def test_the_next_is_first_once_the_earlier_has_left(tmp_path: Path) -> None:
    earlier = place(tmp_path / "line")
    assert earlier.__enter__().is_first()
    with place(tmp_path / "line") as late:
        assert not late.is_first()
        earlier.__exit__(None, None, None)
        assert late.is_first()


def test_the_place_of_a_dead_process_is_passed_over_and_removed(tmp_path: Path) -> None:
    (tmp_path / "line").mkdir()
    left = tmp_path / "line" / f"{time.time_ns():020d}-0"
    left.touch()
    with place(tmp_path / "line") as late:
        assert not late.is_first(), "it may still wait"
        os.utime(left, (time.time() - 5, time.time() - 5))
        assert late.is_first()
        assert not left.exists()


def test_a_place_taken_for_a_dead_ones_is_kept(tmp_path: Path) -> None:
    with place(tmp_path / "line") as early, place(tmp_path / "line") as late:
        assert early.is_first()
        (mine,) = (tmp_path / "line").iterdir()
        mine.unlink()
        assert late.is_first()
        assert early.is_first()
        assert not late.is_first()


def test_without_a_line_everybody_is_first(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with place(tmp_path / "file" / "line") as nowhere:
        assert nowhere.is_first()
