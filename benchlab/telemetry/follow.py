"""OTLP JSON files into the store as they grow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from benchlab.telemetry.client import Client
from benchlab.telemetry.files import find_files
from benchlab.telemetry.intake import IngestReport, ingest

__all__ = ["follow"]

_Inode = tuple[int, int]
_Extent = tuple[int, int]


def follow(
    connect: Callable[[], AbstractContextManager[Client]],
    paths: Iterable[str | Path],
    *,
    interval_s: float = 1.0,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[IngestReport]:
    """Read what is there and then whatever is added, until the caller stops asking.

    Yields what each look at the files brought, also when that is nothing, every ``interval_s``
    seconds. The store is open only while there is something to read, so that others can use it
    meanwhile. Files may be rotated: what was added to one before it was renamed is read, if it
    still lies in the same directory. ``wait`` is how to pass the time between two looks.

    Raises:
        InputError: a path that does not exist at the beginning.
        StoreError: a file cannot be read, or the store fails.
    """
    given = [Path(path) for path in paths]
    find_files(given)
    seen: dict[_Inode, _Extent] = {}
    named: dict[Path, _Inode] = {}
    while True:
        changed = []
        for path in _present(given, named):
            inode, extent = _state(path)
            if inode is not None and seen.get(inode) != extent:
                changed.append(path)
                seen[inode] = extent
        if changed:
            with connect() as client:
                report = ingest(client, changed)
            yield report
        else:
            yield IngestReport()
        wait(interval_s)


def _present(given: list[Path], named: dict[Path, _Inode]) -> list[Path]:
    """The files to look at now, those that were rotated away first, as they are older.

    A directory shows its rotated files by itself. Of a file that was named, ``named`` remembers
    which one it was the last time.
    """
    rotated: list[Path] = []
    present: list[Path] = []
    for path in given:
        if path.is_dir():
            present += find_files([path])
            continue
        inode, _ = _state(path)
        before = named.get(path)
        if before is not None and inode != before:
            rotated += [other for other in _siblings(path) if _state(other)[0] == before]
        if inode is not None:
            named[path] = inode
            present.append(path)
    return [*rotated, *present]


def _siblings(path: Path) -> list[Path]:
    try:
        return [other for other in path.parent.iterdir() if other.is_file()]
    except FileNotFoundError:
        return []


def _state(path: Path) -> tuple[_Inode | None, _Extent]:
    """Which file it is (None when it is gone), and what changes when it is written to."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None, (0, 0)
    return (status.st_dev, status.st_ino), (status.st_size, status.st_mtime_ns)
