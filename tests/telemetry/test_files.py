from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.telemetry import files
from benchlab.telemetry.files import Block, find_files, first_line, read_block


def test_directories_are_searched(tmp_path: Path) -> None:
    names = ["a.json", "b.jsonl", "b.jsonl-20261126", "b.jsonl.1", "b.jsonl.2.gz", "sub/c.ndjson"]
    for name in (*names, "notes.txt", "d.json.zst", "json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_files([tmp_path / "notes.txt", tmp_path, tmp_path / "a.json"])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["notes.txt", *names]
    with pytest.raises(InputError, match=r"nothing\.json does not exist"):
        find_files([tmp_path / "nothing.json"])
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match=r"pipe\.json is not a regular file"):
        find_files([tmp_path / "pipe.json"])


def begins(path: Path) -> bytes | None:
    with path.open("rb") as file:
        return first_line(file)


def test_a_file_is_identified_by_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":')
    assert begins(path) is None
    path.write_bytes(b'{"a":1}\nmore\n')
    assert begins(path) == b'{"a":1}'


def test_a_first_line_may_have_any_length(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 100_000)
    first = begins(path)
    assert first is not None
    with path.open("ab") as file:
        file.write(b"yyy\n")
    assert begins(path) == first


@pytest.mark.parametrize("size", [1, 5000, 3_000_000])
def test_a_hole_is_not_a_line(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.truncate(size)
        assert begins(path) is None
        file.seek(size)
        file.write(b"line\n")
    assert begins(path) == b"line"


def test_nul_bytes_around_lines_are_ignored(tmp_path: Path) -> None:
    block = Block(7, 30, b'\0\0a\n\0\n{"reso\0\0{"resourceSpans":\0\n')
    assert list(block.lines()) == [(9, b"a"), (13, b'{"reso'), (21, b'{"resourceSpans":')]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    lines=st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    tail=st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")),
    size=st.integers(1, 50),
)
def test_blocks_have_every_complete_line_once(
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
    kept = [line.lstrip(b"\0").removeprefix(codecs.BOM_UTF8).rstrip(b"\0") for line in lines]
    assert [line for _, line in found] == [line for line in kept if line.strip()]
    content = path.read_bytes()
    assert all(content[at : at + len(line)] == line for at, line in found)
    assert content[offset:] == tail
