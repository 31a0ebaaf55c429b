"""The decoder of what is on disk: a value of the type asked for, or an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from benchlab.decoding import MOST_DEPTH, Count, decode, decode_file, decode_lines
from benchlab.errors import DamagedError


@dataclass(frozen=True)
class Box:
    count: Count
    name: str = ""
    ratio: float = 0.0
    boxes: tuple[Box, ...] = ()
    by_name: dict[str, int] | None = None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is not JSON (Expecting value: line 1 column 1 (char 0))"),
        (b"\xff", "it is not JSON ('utf-8' codec can't decode byte 0xff"),
        ("5".encode("utf-16"), "it is not JSON ('utf-8' codec can't decode"),
        ("5", "expected object, got int"),
        ("{}", "count: it is missing"),
        ('{"count": 1, "boxes": [{"count": 2}, {}]}', "boxes[1].count: it is missing"),
        ('{"count": "x"}', "count='x' expected int, got str"),
        ('{"count": true}', "count=True expected int, got bool"),
        ('{"count": 1.5}', "count=1.5 expected int, got float"),
        ('{"count": -1}', "count=-1 expected int >= 0"),
        ('{"count": 9223372036854775808}', "count=9223372036854775808 expected int <= 9"),
        ('{"count": 1, "ratio": NaN}', "ratio=nan is not a number in JSON"),
        ('{"count": 1, "boxes": [{"count": 1, "ratio": -Infinity}]}', "boxes[0].ratio=-inf is not"),
        ('{"count": 1, "unknown": {"a": [1e999]}}', "unknown.a[0]=inf is not a number in JSON"),
        (
            '{"count": 1, "ratio": 1' + "0" * 290 + "0" * 20 + "}",
            "it is not JSON (a number has 311",
        ),
        ('{"count": 1, "by_name": {"a": "x"}}', "by_name[...]: expected int, got str"),
        ('{"count": 1, "name": ["' + "x" * 99 + '"]}', "name: expected str, got array"),
        ("[" * 100_000, "it is not JSON (it is nested too deep)"),
        ("[" * 300 + "]" * 300, f"it is nested more than {MOST_DEPTH} levels deep"),
    ],
)
def test_damage_names_the_file_the_field_and_the_value(text: str | bytes, message: str) -> None:
    with pytest.raises(DamagedError) as caught:
        decode(text, Box, where="box.json")
    assert str(caught.value).startswith(f"box.json: {message}")
    assert len(str(caught.value)) < 250
    assert caught.value.exit_code == 2


def test_what_is_whole_becomes_its_type() -> None:
    text = '{"count": 1, "ratio": 2, "boxes": [{"count": 3, "name": "\\ud800"}], "later": {}}'
    assert decode(text, Box, where="") == Box(1, ratio=2.0, boxes=(Box(3, "?"),))
    text = '{"count": 1, "name": "\\udce9\\ud83d\\ude00"}'
    assert decode(text, Box, where="") == Box(1, "?\U0001f600")
    assert decode(text, Box, where="", exact=True) == Box(1, "\udce9\U0001f600")


def test_a_file_and_its_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "boxes.jsonl"
    path.write_text('{"count": 1}\n{"count": 2}\n{"cou')
    assert decode_lines(path, Box) == [Box(1), Box(2)]
    path.write_text('{"count": 1}\n{"count": []}\n')
    with pytest.raises(DamagedError, match=r"boxes.jsonl:2: count: expected int, got array"):
        decode_lines(path, Box)
    with pytest.raises(DamagedError, match=r"boxes.jsonl: it is not JSON \(Extra data"):
        decode_file(path, Box)
    with pytest.raises(FileNotFoundError):
        decode_file(tmp_path / "none", Box)


def test_nesting_is_allowed_as_deep_as_documented() -> None:
    text = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert isinstance(decode(text, list, where=""), list)
    with pytest.raises(DamagedError):
        decode(f"[{text}]", list, where="")
