from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.files import UPDATE, assert_golden


def test_a_file_that_is_missing_or_differs_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(UPDATE, raising=False)
    path = tmp_path / "a.txt"
    with pytest.raises(AssertionError, match="is missing"):
        assert_golden(path, "a\n")
    path.write_text("a\n")
    assert_golden(path, "a\n")
    with pytest.raises(AssertionError, match="differs"):
        assert_golden(path, "b\n")
    assert path.read_text() == "a\n"


def test_writing_anew_fails_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UPDATE, "1")
    path = tmp_path / "new" / "a.txt"
    with pytest.raises(pytest.fail.Exception, match="written anew"):
        assert_golden(path, "a\r\n")
    assert path.read_bytes() == b"a\r\n"
    assert_golden(path, "a\r\n")
