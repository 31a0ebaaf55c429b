"""Tables at the width that a terminal has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from benchlab.display.fitted_table import Column, FittedTable
from tests.cli.terminal.screen import shown, terminal

NUMBERS = st.one_of(
    st.integers(-(10**18), 10**18).map(str), st.floats(0, 1e9).map(lambda value: f"{value:,.3f}")
)
WORDS = st.text("abc xyz[]/:", min_size=1, max_size=40)


def lines(table: FittedTable, width: int) -> list[str]:
    out = terminal(width)
    out.print(table)
    return [line.rstrip() for line in shown(out).splitlines()]


def column(name: str, *texts: str, number: bool = False, fold_at: str = "") -> Column:
    return Column(name, [Text(text) for text in texts], is_number=number, fold_at=fold_at)


def test_a_number_does_not_become_the_name_of_a_column() -> None:
    table = FittedTable(
        [column("n", "-1000000000000", number=True), column("b", "xyz")], turns=True
    )
    assert "-1000000000000" in " ".join(lines(table, 16)).split()


@given(
    data=st.data(),
    width=st.integers(24, 130),
    rows=st.integers(1, 4),
    kinds=st.lists(st.booleans(), min_size=1, max_size=9),
    indent=st.sampled_from([0, 2]),
    turns=st.booleans(),
)
def test_numbers_are_whole_at_every_width(
    data: st.DataObject, width: int, rows: int, kinds: list[bool], indent: int, turns: bool
) -> None:
    columns = []
    for index, is_number in enumerate(kinds):
        texts = data.draw(
            st.lists(NUMBERS if is_number else WORDS, min_size=rows, max_size=rows), label="cells"
        )
        columns.append(column(f"column {index}", *texts, number=is_number))
    left_out = [item.name for item in columns[1::2]]
    found = lines(FittedTable(columns, indent, left_out, turns), width)
    assert all(len(line) <= width for line in found)
    gone = ""
    if "not shown, for lack of width:" in (whole := " ".join(line.strip() for line in found)):
        gone = whole.partition("not shown, for lack of width:")[2]
    words = whole.split()
    for item in columns:
        if item.is_number and item.name not in gone:
            assert {cell.plain for cell in item.cells} <= set(words)
        assert "…" not in whole


def test_what_is_left_out_is_named() -> None:
    table = FittedTable(
        [column("id", "0123456789"), *(column(name, "12345.67", number=True) for name in "abc")],
        left_out=("b", "none", "c", "a"),
    )
    assert lines(table, 80) == [
        "id                 a         b         c",
        "0123456789  12345.67  12345.67  12345.67",
    ]
    assert lines(table, 30)[1:] == [
        "0123456789  12345.67  12345.67",
        "not shown, for lack of width:",
        "b",
    ]
    assert lines(table, 12)[0] == "id"
    assert " ".join(lines(table, 12)[2:]) == "not shown, for lack of width: b, c, a"


def test_without_room_for_a_row_each_cell_has_a_line() -> None:
    table = FittedTable(
        [
            column("name", "a", "b"),
            column("count", "1234567890123", "5", number=True),
            column("total", "1234567890123", "6", number=True),
        ],
        indent=2,
    )
    assert lines(table, 22) == [
        "  name  a",
        "  count 1234567890123",
        "  total 1234567890123",
        "",
        "  name  b",
        "  count 5",
        "  total 6",
    ]
    assert lines(table, 18)[:7] == [
        "  name",
        "    a",
        "  count",
        "    1234567890123",
        "  total",
        "    1234567890123",
        "",
    ]


def test_rows_become_columns_where_that_fits() -> None:
    numbers = (column(name, "12345.67", "0.1", number=True) for name in ("p50", "p90", "p99"))
    table = FittedTable([column("ms", "latency", "lag"), *numbers], turns=True)
    assert len(lines(table, 40)) == 3
    assert lines(table, 20) == [
        "ms    latency  lag",
        "p50  12345.67  0.1",
        "p90  12345.67  0.1",
        "p99  12345.67  0.1",
    ]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (60, ["valid · 30 % failed · 1 of 3 objectives broken"]),
        (30, ["valid · 30 % failed", "1 of 3 objectives broken"]),
        (14, ["valid · 30 %", "failed · 1 of", "3 objectives", "broken"]),
    ],
)
def test_text_is_folded_between_its_parts(width: int, expected: list[str]) -> None:
    text = "valid · 30 % failed · 1 of 3 objectives broken"
    table = FittedTable([column("verdict", text, fold_at=" · ")])
    assert lines(table, width)[1:] == expected


def test_text_is_shortened_with_a_mark() -> None:
    table = FittedTable([Column("name", [Text("x" * 30)], one_line=True)])
    assert lines(table, 20)[1] == "x" * 19 + "…"


def test_brackets_are_text() -> None:
    table = FittedTable([column("[/api]", "[bold]x[/]")])
    assert lines(table, 40) == ["[/api]", "[bold]x[/]"]
