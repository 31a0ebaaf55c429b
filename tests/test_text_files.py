"""Text that others wrote is read alike, whatever its encoding."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.text_files import bounded_lines, csv_reader, decode_text, open_text, read_text

ENCODED = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16 of PowerShell": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16, big end first": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-16 without a mark": lambda text: text.encode("utf-16-le"),
    "utf-16 without a mark, big end first": lambda text: text.encode("utf-16-be"),
}
TEXT = "name;größe\r\nCafé;1\n𝄞;2\rlast"


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("packed", [False, True])
def test_text_is_the_same_in_every_encoding(tmp_path: Path, encoding: str, packed: bool) -> None:
    data = ENCODED[encoding](TEXT)
    assert decode_text(data) == TEXT
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert read_text(path) == TEXT
    with open_text(path) as file:
        assert list(bounded_lines(file)) == ["name;größe\r\n", "Café;1\n", "𝄞;2\r", "last"]


@given(st.binary(max_size=64))
def test_any_bytes_are_text_if_errors_are_replaced(data: bytes) -> None:
    decode_text(data, "replace")


def test_other_encodings_are_refused_where_the_text_is_used(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes("Größe".encode("latin-1"))
    with pytest.raises(InputError, match=f"{path} is neither UTF-8 nor UTF-16 text"):
        read_text(path)


@pytest.mark.parametrize(
    ("magic", "says"),
    [
        (b"BZh91AY&SY", "is compressed with bzip2: unpack it first, with bunzip2"),
        (b"\xfd7zXZ\x00\x00", "compressed with xz: .*unxz"),
        (b"\x28\xb5\x2f\xfd\x00", "compressed with Zstandard: .*unzstd"),
        (b"PK\x03\x04\x14", "compressed with zip: .*unzip"),
        (b"\x1f\x8bnot gzip", "cannot read"),
    ],
)
def test_a_file_compressed_in_another_way_is_named(tmp_path: Path, magic: bytes, says: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(magic)
    with pytest.raises(InputError, match=f"{path}.*{says}|{says}.*{path}"):
        read_text(path)


def test_a_csv_field_may_be_long() -> None:
    long = "x" * 200_000
    assert list(csv_reader([f"a,{long}\n"])) == [["a", long]]
