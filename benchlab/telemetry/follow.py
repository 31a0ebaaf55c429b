"""Ingest OTLP JSON files as they grow."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchlab.telemetry.client import Client
from benchlab.telemetry.files import find_files
from benchlab.telemetry.intake import IngestReport, PartialLine, ingest_files

__all__ = ["follow"]

_SUFFIX = r"\d[\dT:._-]*(?:\.gz)?"

_Inode = tuple[int, int]
_Extent = tuple[int, int]


def follow(
    connect: Callable[[], AbstractContextManager[Client]],
    paths: Iterable[str | Path],
    *,
    interval_s: float = 1.0,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[IngestReport]:
    """Ingest the files, then whatever is appended, until the caller stops iterating.

    Polls every ``interval_s`` seconds and yields a report of each poll, also when nothing was new.
    The store is open only while there is something to read, so that others can use it meanwhile.
    Files may be rotated, by renaming or by copying and truncating: the rotated rest is read if it
    is still in the same directory. ``partial`` of a report lists files that were rotated away and
    end in the middle of a line, each once. A file that cannot be read is reported, and again when
    it has changed. ``wait`` passes the time between two polls.

    Raises:
        InputError: a path does not exist at the start.
        StoreError: the store fails.
    """
    given = [Path(path) for path in paths]
    find_files(given)
    named = [_Named(path) for path in given if not path.is_dir()]
    directories = [path for path in given if path.is_dir()]
    snapshot = _Snapshot()
    while True:
        present = [path for file in named for path in file.present()]
        present += find_files(path for path in directories if path.is_dir())
        changed = snapshot.changed(list(dict.fromkeys(present)))
        if changed:
            with connect() as client:
                report = ingest_files(client, changed)
            snapshot.record(changed, report.partial)
        else:
            report = IngestReport()
        report.partial = snapshot.left_behind()
        yield report
        wait(interval_s)


class _Named:
    """A file that the caller named, and the files that it is rotated to.

    In a directory, rotated files need no care: all files there are read. Beside a file that was
    named, rotated files that existed at the start are ignored: they were not named.
    """

    def __init__(self, path: Path) -> None:
        name, stem, suffix = (re.escape(part) for part in (path.name, path.stem, path.suffix))
        self._path = path
        self._name = re.compile(rf"{name}[._-]{_SUFFIX}|{stem}[._-]{_SUFFIX}{suffix}")
        self._last = _state(path)[0]
        self._ignored = set(self._rotated())

    def present(self) -> list[Path]:
        """The file, after those that it was rotated to, as they are older."""
        rotated = self._rotated()
        inode = _state(self._path)[0]
        # Inodes of deleted files are reused.
        self._ignored = (self._ignored & rotated.keys()) - {inode}
        own = [rotated[known] for known in rotated.keys() - self._ignored - {inode}]
        if inode != self._last:
            own += [other for other in self._siblings() if _state(other)[0] == self._last]
        if inode is None:
            return own
        self._last = inode
        return [*own, self._path]

    def _rotated(self) -> dict[_Inode, Path]:
        """Files beside it that have its name with a number or a date added."""
        found = {_state(o)[0]: o for o in self._siblings() if self._name.fullmatch(o.name)}
        return {inode: path for inode, path in found.items() if inode is not None}

    def _siblings(self) -> list[Path]:
        try:
            return sorted(other for other in self._path.parent.iterdir() if other.is_file())
        except FileNotFoundError:
            return []


@dataclass
class _Snapshot:
    """The files at the last poll, by inode."""

    extents: dict[_Inode, _Extent] = field(default_factory=dict)
    paths: dict[_Inode, Path] = field(default_factory=dict)
    first_paths: dict[_Inode, Path] = field(default_factory=dict)
    partial: dict[_Inode, PartialLine] = field(default_factory=dict)

    def changed(self, present: list[Path]) -> list[Path]:
        """The files that are new or changed since the last poll."""
        changed, extents = [], {}
        self.paths = {}
        for path in present:
            inode, extent = _state(path)
            if inode is None:
                continue
            if self.extents.get(inode) != extent:
                changed.append(path)
            extents[inode] = extent
            self.paths[inode] = path
        self.extents = extents
        self.first_paths = {
            inode: self.first_paths.get(inode, path) for inode, path in self.paths.items()
        } | {inode: self.first_paths[inode] for inode in self.partial}
        return changed

    def record(self, changed: list[Path], partial: list[PartialLine]) -> None:
        """Note which of the files that were read end in the middle of a line."""
        ends = {line.path: line for line in partial}
        for inode, path in self.paths.items():
            if path in ends:
                self.partial[inode] = ends[path]
            elif path in changed:
                self.partial.pop(inode, None)

    def left_behind(self) -> list[PartialLine]:
        """The incomplete last lines of files that were moved or deleted, each reported once."""
        gone = [inode for inode in self.partial if self.paths.get(inode) != self.first_paths[inode]]
        lines = [(self.paths.get(inode), self.partial.pop(inode)) for inode in gone]
        return [replace(line, path=path or line.path) for path, line in lines]


def _state(path: Path) -> tuple[_Inode | None, _Extent]:
    """Its inode (None if it does not exist), and its size and time of change."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None, (0, 0)
    return (status.st_dev, status.st_ino), (status.st_size, status.st_mtime_ns)
