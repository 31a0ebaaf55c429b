from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from benchlab.store import Store
from benchlab.store.client.insert import Column, insert_columns, insert_rows, moment

STARTED_NS = 1_795_460_064_981_497_375


@pytest.fixture
def client(store: Store) -> Iterator[Client]:
    with store.connect() as client:
        yield client
        client.command("DROP TABLE IF EXISTS inserted")


def create(client: Client, columns: str) -> None:
    client.command(
        f"CREATE TABLE inserted ({columns}) ENGINE = MergeTree ORDER BY tuple()"
        " SETTINGS non_replicated_deduplication_window = 10"
    )


def test_columns_of_every_type(client: Client) -> None:
    kinds = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
    count = 1000
    columns: dict[str, Column] = {
        "text": "é" * 100,
        "at": ("DateTime64(9, 'UTC')", STARTED_NS),
        **{kind: np.linspace(*ends(kind), count).astype(kind) for kind in kinds},
        "strided": np.arange(2 * count, dtype=">i8")[::2],
    }
    types = {"text": "LowCardinality(String)", "at": "DateTime64(9, 'UTC')", "strided": "Int64"}
    for kind in kinds:
        types[kind] = f"{'U' if kind[0] == 'u' else ''}Int{8 * int(kind[1])}"
    create(client, ", ".join(f"{name} {of}" for name, of in types.items()))
    for _ in range(2):
        insert_columns(client, "inserted", columns, "a token")
    found = client.query(
        f"SELECT toUnixTimestamp64Nano(at), text, strided, {', '.join(kinds)} FROM inserted"  # noqa: S608
        " ORDER BY strided",
        column_oriented=True,
    ).result_columns
    assert set(found[0]) == {STARTED_NS}
    assert set(found[1]) == {columns["text"]}
    assert list(found[2]) == list(range(0, 2 * count, 2))
    for kind, values in zip(kinds, found[3:], strict=True):
        expected = columns[kind]
        assert isinstance(expected, np.ndarray)
        assert list(values) == expected.tolist()


def ends(kind: str) -> tuple[int, int]:
    limits = np.iinfo(kind)
    return int(limits.min) // 2, int(limits.max) // 2


def test_rows_with_what_json_has(client: Client) -> None:
    create(
        client,
        "id String, at DateTime64(9, 'UTC'), n Int64, ratio Nullable(Float64),"
        " tags Map(LowCardinality(String), String), counts Array(Nullable(UInt64)),"
        " kept Int8 DEFAULT 7",
    )
    rows = [
        {
            "id": 'ä\n\0"',
            "at": moment(STARTED_NS),
            "n": -(2**63),
            "ratio": 0.1,
            "tags": {"a": "b"},
            "counts": [1, None],
        },
        {"id": "", "at": moment(0), "n": 2**63 - 1, "ratio": None, "tags": {}, "counts": []},
    ]
    for _ in range(2):
        insert_rows(client, "inserted", rows, "a token")
    found = client.query(
        "SELECT id, toUnixTimestamp64Nano(at), n, ratio, tags, counts, kept FROM inserted"
        " ORDER BY n"
    ).result_rows
    assert [list(row) for row in found] == [
        ['ä\n\0"', STARTED_NS, -(2**63), 0.1, {"a": "b"}, [1, None], 7],
        ["", 0, 2**63 - 1, None, {}, [], 7],
    ]
