from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchlab import Feed, Plan, Request, read_feed
from benchlab.errors import InputError
from benchlab.plan.mix import request_order, turns
from benchlab.plan.redacted import redacted_plan
from tests.runs.synthetic import URL

ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}]


def test_rows_are_taken_once_from_any_iterable() -> None:
    feed = Feed({"n": number} for number in range(3))
    assert feed.rows == ({"n": 0}, {"n": 1}, {"n": 2})


@pytest.mark.parametrize(
    ("rows", "pick", "message"),
    [
        ([], "sequential", "has none"),
        ([1], "sequential", "rows: number 1 of rows is 1"),
        (ROWS, "shuffled", "pick='shuffled' is unknown: use sequential or random"),
        (({"n": n} for n in itertools.count()), "random", "more than 1,000,000 of them"),
    ],
)
def test_invalid_feed_is_refused(rows: Any, pick: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Feed(rows, pick)


def test_sequential_takes_each_row_in_turn_and_random_every_row_about_as_often() -> None:
    feed = Feed(ROWS)
    assert [feed.index(turn, 99, 1) for turn in range(5)] == [0, 1, 2, 0, 1]
    drawn = Counter(Feed(ROWS, "random").index(0, seq, 7) for seq in range(30_000))
    assert set(drawn) == {0, 1, 2}
    assert max(drawn.values()) - min(drawn.values()) < 600
    assert [Feed(ROWS, "random").index(0, seq, 7) for seq in range(9)] != [
        Feed(ROWS, "random").index(0, seq, 8) for seq in range(9)
    ]


@pytest.mark.parametrize("weights", [[1], [1, 2, 3]])
def test_the_turn_of_a_request_follows_from_the_sequence_number(weights: list[float]) -> None:
    order = request_order(weights, seed=5)
    turn_of = turns(order)
    counted = Counter[int]()
    for seq in range(2 * len(order) + 10):
        index = order[seq % len(order)]
        assert turn_of(seq) == counted[index]
        counted[index] += 1


def test_files_are_read_with_their_types(tmp_path: Path) -> None:
    table = tmp_path / "users.csv"
    table.write_text('id,name\n1,Ada\n2,"Grace, H"\n')
    assert read_feed(table).rows == ({"id": "1", "name": "Ada"}, {"id": "2", "name": "Grace, H"})
    lines = tmp_path / "users.jsonl"
    lines.write_text('{"id": 1, "tags": ["x"]}\n\n{"id": 2, "tags": []}\n')
    feed = read_feed(lines, "random")
    assert feed.rows == ({"id": 1, "tags": ["x"]}, {"id": 2, "tags": []})
    assert feed.describe() == "2 rows of users.jsonl, random"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_are_read_in_the_encodings_of_windows(tmp_path: Path, encoding: str) -> None:
    long = "é" * 140_000
    table = tmp_path / "users.csv"
    table.write_bytes(f"id,name\r\n1,{long}\r\n\r\n".encode(encoding))
    assert read_feed(table).rows == ({"id": "1", "name": long},)
    lines = tmp_path / "users.jsonl"
    lines.write_bytes('{"id": "é"}\r\n'.encode(encoding))
    assert read_feed(lines).rows == ({"id": "é"},)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "x", "its name must end in .csv"),
        ("a.csv", "id,name\n1\n", "line 2 of .*different number of fields"),
        ("a.csv", "id\n1,2\n", "line 2 of .*different number of fields"),
        ("a.csv", "id\n", "has none"),
        ("a.csv", "id,name,id\n1,2,3\n", "'id' occurs twice in the header of .*name of its own"),
        ("a.jsonl", '{"a": 1}\n{"a": 1, "a": 2}\n', "line 2 of .*not a row: .*'a' occurs twice"),
        ("a.jsonl", '{"a": {"b": 1, "b": 2}}\n', "line 1 of .*'b' occurs twice"),
        ("a.jsonl", '{"a": 1}\nnope\n', "line 2 of .*not JSON"),
        ("a.jsonl", "[" * 100_000, "line 1 of .*not JSON"),
        ("a.jsonl", "[1]\n", "line 1 of .*not a JSON object"),
    ],
)
def test_invalid_file_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_feed(path)


def test_missing_feed_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_feed(tmp_path / "gone.csv")


def test_missing_field_error_names_the_row() -> None:
    with pytest.raises(InputError, match="field 'nmae', which row 1 of rows does not have"):
        Request("GET", URL + "?n={{nmae}}", data=Feed(ROWS))
    with pytest.raises(InputError, match="row 2 of rows does not have"):
        Request("GET", URL + "?n={{id}}", data=Feed([{"id": 1}, {"x": 1}]))
    with pytest.raises(InputError, match="uses none of its fields"):
        Request("GET", URL, data=Feed(ROWS))


@pytest.mark.parametrize(
    ("values", "row", "message"),
    [
        ({"body": "{{ a }}"}, {"a": 1}, r"{{ a }}, which is not a field: write {{a}}"),
        ({"query": {"q": "{{ a }}"}}, {"a": 1}, r"{{ a }}, which is not a field: write {{a}}"),
        ({"headers": {"X": "{{seq }}{{a}}"}}, {"a": 1}, r"{{seq }}, .*: write {{seq}}"),
        ({"json": "{{prénom}}"}, {"prénom": 1}, "give the column 'prénom' a name of ASCII letters"),
        ({"query": {"q": "{{prénom}}"}}, {"prénom": 1}, "give the column 'prénom' a name"),
        ({"body": "{{first name}}"}, {"first name": 1}, "give the column 'first name' a name"),
        ({"body": "{{2nd}}{{a}}"}, {"2nd": 1, "a": 2}, "give the column '2nd' a name"),
    ],
)
def test_what_is_meant_as_a_field_of_the_data_and_is_none_is_refused(
    values: dict[str, Any], row: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Request("POST", URL, **values, data=Feed([row]))


@pytest.mark.parametrize("value", [float("nan"), [1, {"b": float("inf")}]])
def test_a_number_that_json_does_not_have_is_refused_in_a_body_of_json(value: Any) -> None:
    data = Feed([{"n": 1, "m": 1}, {"n": value, "m": value}])
    json_type = {"Content-Type": "application/json"}
    with pytest.raises(InputError, match=r"row 2 of rows has .* for 'n', which JSON does not have"):
        Request("POST", URL, json_type, '{"n": {{n}}}', data=data)
    Request("POST", URL, {"Content-Type": "text/plain"}, "{{n}}", data=data)
    Request("POST", URL, json_type, '{"seq": {{seq}}}', query={"m": "{{m}}"}, data=data)


def test_without_data_only_the_built_in_fields_are_fields() -> None:
    request = Request("POST", URL, body="{{seq}} {{uuid}} {{other}}")
    assert request.field_names == {"seq", "uuid"}


def test_a_stored_plan_keeps_the_digest_and_not_the_rows() -> None:
    plan = Plan([Request("GET", URL + "?id={{id}}", data=Feed(ROWS))])
    assert Plan.from_json(plan.to_json()) == plan
    public = redacted_plan(plan.to_dict())
    assert public["requests"][0]["data"]["rows"] == []
    stored = Plan.from_dict(public)
    feed = stored.requests[0].data
    assert feed is not None
    assert feed.describe() == "3 rows of rows, sequential"
    assert len(feed.withheld["sha256"]) == 64
