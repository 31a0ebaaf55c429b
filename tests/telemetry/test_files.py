from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.telemetry import files
from benchlab.telemetry.files import file_id, find_files, read_block


def identity(path: Path) -> str | None:
    with path.open("rb") as file:
        return file_id(file)


def test_directories_are_searched(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.json", "sub/c.ndjson", "notes.txt", "d.json.zst"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_files([tmp_path / "notes.txt", tmp_path, tmp_path / "a.json"])
    assert [path.name for path in found] == ["notes.txt", "a.json", "b.jsonl", "c.ndjson"]
    with pytest.raises(InputError, match=r"nothing\.json does not exist"):
        find_files([tmp_path / "nothing.json"])


def test_identity_survives_growth_and_renaming(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a":')
    assert identity(path) is None
    path.write_text('{"a":1}\n')
    first = identity(path)
    assert first is not None
    with path.open("a") as file:
        file.write("more\n" * 1000)
    path.rename(tmp_path / "b.jsonl")
    assert identity(tmp_path / "b.jsonl") == first


def test_identity_changes_with_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("first\n")
    first = identity(path)
    path.write_text("second\n")
    assert identity(path) != first


def test_a_first_line_of_any_length_has_an_identity(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 10_000)
    first = identity(path)
    assert first is not None
    with path.open("ab") as file:
        file.write(b"yyy\n")
    assert identity(path) == first


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    lines=st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    tail=st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")),
    size=st.integers(1, 50),
)
def test_blocks_hold_every_whole_line_once(
    tmp_path: Path, lines: list[bytes], tail: bytes, size: int
) -> None:
    path = tmp_path / "any"
    path.write_bytes(b"".join(line + b"\n" for line in lines) + tail)
    found, offset = [], 0
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as file:
        patch.setattr(files, "BLOCK_BYTES", size)
        while block := read_block(file, offset):
            assert block.start == offset
            assert block.end > block.start
            found += list(block.lines())
            assert read_block(file, block.start, block.end) == block
            offset = block.end
    assert [line for _, line in found] == [line for line in lines if line.strip()]
    content = path.read_bytes()
    assert all(content[at : at + len(line)] == line for at, line in found)
    assert content[offset:] == tail
