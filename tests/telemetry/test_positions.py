"""Every line is ingested once, whatever happens to the files: positions follow from content."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchlab.store import Store
from benchlab.telemetry import files, ingest, ledger
from benchlab.telemetry.client import Client
from tests.clickhouse_front import Front
from tests.stores import empty_database, empty_tables, new_database
from tests.telemetry.conftest import make_span_line

LIVE = "traces.jsonl"
Story = Callable[[Path], Iterator[None]]


@pytest.fixture(scope="module")
def open_client(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Of a store that stays open for all these tests."""
    directory = tmp_path_factory.mktemp("positions") / "store"
    shutil.copytree(empty_store, directory, symlinks=True)
    with Store(f"chdb://{directory}").connect() as opened:
        yield opened


@pytest.fixture
def client(open_client: Client) -> Iterator[Client]:
    """The same, and the store is empty."""
    yield open_client
    empty_tables(open_client)


def text(numbers: Iterable[int]) -> bytes:
    """Lines with one span each, which has the number as its id."""
    return b"".join(make_span_line(first=number) for number in numbers)


def append(path: Path, numbers: Iterable[int]) -> None:
    with path.open("ab") as file:
        file.write(text(numbers))


def renamed(directory: Path) -> Iterator[None]:
    live = directory / LIVE
    append(live, range(1, 4))
    yield
    append(live, [4])
    live.rename(directory / "traces-2026-11-01T00-00-00.000.jsonl")
    append(live, [5, 6])
    yield
    append(live, [7])


def renamed_by_number(directory: Path) -> Iterator[None]:
    live = directory / LIVE
    for number in range(1, 10, 3):
        append(live, [number, number + 1])
        yield
        append(live, [number + 2])
        for old in (2, 1):
            if (directory / f"{LIVE}.{old}").exists():
                (directory / f"{LIVE}.{old}").rename(directory / f"{LIVE}.{old + 1}")
        live.rename(directory / f"{LIVE}.1")


def copied_and_truncated(directory: Path) -> Iterator[None]:
    """What logrotate's copytruncate does, under a writer in append mode."""
    live = directory / LIVE
    append(live, [1, 2])
    for number in range(3, 12, 3):
        yield
        append(live, [number])
        shutil.copy(live, directory / f"{LIVE}.{number}")
        os.truncate(live, 0)
        append(live, [number + 1])
        yield
        append(live, [number + 2])


def copied_and_truncated_before_it_was_read(directory: Path) -> Iterator[None]:
    live = directory / LIVE
    append(live, [1, 2])
    shutil.copy(live, directory / f"{LIVE}.1")
    os.truncate(live, 0)
    yield
    append(live, [3])


def truncated_under_a_writer_that_goes_on_where_it_was(directory: Path) -> Iterator[None]:
    """The file is NUL bytes up to there; then that is copied and truncated as well."""
    live = directory / LIVE
    with live.open("wb", buffering=0) as writer:
        for number in range(1, 10, 3):
            writer.write(text([number, number + 1]))
            yield
            writer.write(text([number + 2]))
            shutil.copy(live, directory / f"{LIVE}.{number}")
            os.truncate(live, 0)
            yield


def cut_short_under_a_writer_that_goes_on_where_it_was(directory: Path) -> Iterator[None]:
    """By hand, in the middle of a line."""
    live = directory / LIVE
    with live.open("wb", buffering=0) as writer:
        writer.write(text([1, 2, 3]))
        yield
        os.truncate(live, len(text([1, 2])) - 100)
        yield
        writer.write(text([4, 5]))


def copied_before_it_was_read(directory: Path) -> Iterator[None]:
    append(directory / LIVE, [1, 2])
    shutil.copy(directory / LIVE, directory / "a_copy.jsonl")
    yield


def copied_after_it_was_read(directory: Path) -> Iterator[None]:
    append(directory / LIVE, [1, 2])
    yield
    shutil.copy(directory / LIVE, directory / "copy.jsonl")
    yield
    append(directory / LIVE, [3])
    yield
    (directory / LIVE).unlink()


def moved_to_another_machine_as_it_grew(directory: Path) -> Iterator[None]:
    """Another file system, inode and time, in an archive, and each time a little more."""
    other = directory.parent / "other"
    other.mkdir()
    for number in range(1, 4):
        append(other / LIVE, [number])
        archive = subprocess.run(["tar", "-c", LIVE], cwd=other, capture_output=True, check=True)
        subprocess.run(["tar", "-x"], cwd=directory, input=archive.stdout, check=True)
        yield


def an_older_and_shorter_copy(directory: Path) -> Iterator[None]:
    append(directory / "a.jsonl", [1, 2])
    shutil.copy(directory / "a.jsonl", directory / "backup.jsonl")
    append(directory / "a.jsonl", [3])
    yield


def copies_of_different_lengths_within_blocks(directory: Path) -> Iterator[None]:
    append(directory / "z.jsonl", range(1, 20))
    yield
    for count in (1, 3, 10):
        (directory / f"a{count}.jsonl").write_bytes(text(range(1, count)))
    (directory / "b.jsonl").write_bytes(text(range(1, 5))[:-50])


def a_copy_that_goes_on_by_itself(directory: Path) -> Iterator[None]:
    """As when a machine is cloned with its files: what both have was read once."""
    append(directory / "a.jsonl", [1, 2])
    yield
    append(directory / "a.jsonl", [3])
    yield
    (directory / "b.jsonl").write_bytes(text([1, 2, 3, 4]))
    append(directory / "a.jsonl", [5])
    yield
    append(directory / "a.jsonl", [6])
    append(directory / "b.jsonl", [7])
    yield
    (directory / "c.jsonl").write_bytes(text([1, 2, 3, 4, 7, 8]))
    append(directory / "b.jsonl", [9])
    yield
    (directory / "d.jsonl").write_bytes(text([1, 2, 10]))


def files_that_begin_alike(directory: Path) -> Iterator[None]:
    """And part within the first block, none of them longer than it."""
    append(directory / "a.jsonl", [1, 2, 3])
    yield
    (directory / "b.jsonl").write_bytes(text([1, 4]))
    (directory / "c.jsonl").write_bytes(text([1, 5, 6, 7, 8]))
    yield
    append(directory / "b.jsonl", [9])
    append(directory / "c.jsonl", [10])
    yield
    shutil.copy(directory / "b.jsonl", directory / "d.jsonl")


def files_that_begin_with_a_blank_line(directory: Path) -> Iterator[None]:
    (directory / "a.jsonl").write_bytes(b"\n" + text([1]))
    (directory / "b.jsonl").write_bytes(b"\n" + text([2]))
    yield
    append(directory / "a.jsonl", [3])
    append(directory / "b.jsonl", [4])


def lines_that_begin_alike_for_long(directory: Path) -> Iterator[None]:
    """A resource of more than 64 KiB, the same in every file."""
    long = b'{"filler":"' + b"x" * 100_000 + b'",'
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        (directory / f"{name}.jsonl").write_bytes(long + text([number])[1:])
        yield
    append(directory / "b.jsonl", [4])
    shutil.copy(directory / "b.jsonl", directory / "d.jsonl")


def cut_short_by_hand(directory: Path) -> Iterator[None]:
    append(directory / LIVE, [1, 2, 3, 4])
    yield
    os.truncate(directory / LIVE, len(text([1, 2])))
    yield
    append(directory / LIVE, [5])
    yield
    append(directory / LIVE, [6, 7, 8])


def cut_short_in_a_line(directory: Path) -> Iterator[None]:
    append(directory / LIVE, [1, 2, 3, 4])
    yield
    os.truncate(directory / LIVE, len(text([1, 2])) + 70)
    yield
    append(directory / LIVE, [5])


def written_anew_in_the_same_inode(directory: Path) -> Iterator[None]:
    for number in range(1, 9, 2):
        (directory / LIVE).write_bytes(text([number, number + 1]))
        yield


def grown_after_its_first_line(directory: Path) -> Iterator[None]:
    for number in range(1, 8):
        append(directory / LIVE, [number])
        yield


STORIES: dict[Story, int] = {
    renamed: 7,
    renamed_by_number: 9,
    copied_and_truncated: 11,
    copied_and_truncated_before_it_was_read: 3,
    truncated_under_a_writer_that_goes_on_where_it_was: 9,
    cut_short_under_a_writer_that_goes_on_where_it_was: 5,
    copied_before_it_was_read: 2,
    copied_after_it_was_read: 3,
    moved_to_another_machine_as_it_grew: 3,
    an_older_and_shorter_copy: 3,
    copies_of_different_lengths_within_blocks: 19,
    a_copy_that_goes_on_by_itself: 10,
    files_that_begin_alike: 10,
    files_that_begin_with_a_blank_line: 4,
    lines_that_begin_alike_for_long: 4,
    cut_short_by_hand: 8,
    cut_short_in_a_line: 5,
    written_anew_in_the_same_inode: 8,
    grown_after_its_first_line: 7,
}
"""What happens to the files, with an `ingest` at each ``yield``; and how many lines there were."""


def numbers(client: Client) -> list[int]:
    """The numbers of all spans in the store."""
    found = client.query(
        "SELECT reinterpretAsUInt64(reverse(unhex(SpanId))) AS n FROM otel_traces ORDER BY n"
    ).result_rows
    return [int(row[0]) for row in found]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
@pytest.mark.parametrize("block_bytes", [files.BLOCK_BYTES, 1000], ids=["in-one", "in-blocks"])
def test_every_line_is_ingested_once(
    client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    story: Story,
    block_bytes: int,
) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", block_bytes)
    directory = tmp_path / "otlp"
    directory.mkdir()
    taken = sum(ingest(client, [directory]).spans for _ in story(directory))
    taken += ingest(client, [directory]).spans
    assert ingest(client, [directory]).lines == 0
    assert numbers(client) == list(range(1, STORIES[story] + 1))
    assert taken == STORIES[story]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=20,
)
@given(data=st.data(), in_blocks=st.booleans())
def test_every_line_is_ingested_once_in_random_histories(
    client: Client, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, in_blocks: bool
) -> None:
    """Each line that was complete in a file at an `ingest` is in the store, once."""
    directory = tmp_path_factory.mktemp("otlp")
    seen: set[int] = set()
    client.command("TRUNCATE TABLE otel_traces")
    client.command("TRUNCATE TABLE ingest_blocks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK_BYTES", 800 if in_blocks else files.BLOCK_BYTES)
        number = 0
        for step in range(data.draw(st.integers(1, 12), "steps")):
            present = sorted(directory.iterdir()) or [directory / "0.jsonl"]
            path = data.draw(st.sampled_from(present), "file")
            other = directory / f"{step + 1}.jsonl"
            match data.draw(st.sampled_from(["add", "add", "copy", "move", "cut", "look"])):
                case "add":
                    count = data.draw(st.integers(1, 3), "lines")
                    append(path, range(number + 1, number + count + 1))
                    number += count
                case "copy" if path.exists():
                    shutil.copy(path, other)
                case "move" if path.exists():
                    path.rename(other)
                case "cut" if path.exists():
                    size = data.draw(st.integers(0, path.stat().st_size), "to")
                    # Without its line feed alone a line is another one, and the same all the same.
                    os.truncate(path, size - (path.read_bytes()[size : size + 1] == b"\n"))
                case _:
                    ingest(client, [directory])
                    seen |= whole(directory, number)
        ingest(client, [directory])
        seen |= whole(directory, number)
    assert numbers(client) == sorted(seen)


def whole(directory: Path, highest: int) -> set[int]:
    """The numbers of the lines that are whole in some file."""
    contents = [path.read_bytes() for path in directory.iterdir()]
    return {
        number
        for number in range(1, highest + 1)
        if any(text([number]) in content for content in contents)
    }


@pytest.fixture(scope="module")
def database(front: Front) -> Iterator[str]:
    """The DSN of a store on a server."""
    with new_database(front) as dsn:
        yield dsn


@pytest.fixture
def two_clients(database: str) -> Iterator[tuple[Client, Client]]:
    """Of one store on a server, which is empty."""
    with Store(database).connect() as first, Store(database).connect() as second:
        yield first, second
    empty_database(database)


@pytest.mark.parametrize(
    ("mine", "others"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([1, 2, 3], [1, 2]),
        ([1, 2], [1, 2, 3]),
        ([1, 2, 3], [1, 2, 4, 5]),
        ([1, 2, 3, 4, 5], [1, 2, 6, 7]),
    ],
)
@pytest.mark.parametrize("step", ["begin", "token", "finish"])
def test_two_processes_ingest_a_file_and_its_copy_at_once(
    two_clients: tuple[Client, Client],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mine: list[int],
    others: list[int],
    step: str,
) -> None:
    """One is stopped at a step of its work, and the other does all of its own meanwhile."""
    for name, content in (("mine.jsonl", mine), ("others.jsonl", others)):
        append(tmp_path / name, content)
    client, other = two_clients
    real = getattr(ledger, step)

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(ledger, step, real)
        ingest(other, [tmp_path / "others.jsonl"])
        return real(*arguments)

    monkeypatch.setattr(ledger, step, meanwhile)
    ingest(client, [tmp_path / "mine.jsonl"])
    assert getattr(ledger, step) is real
    ingest(client, [tmp_path])
    assert numbers(client) == sorted({*mine, *others})
