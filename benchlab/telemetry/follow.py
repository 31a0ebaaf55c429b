"""OTLP JSON files into the store as they grow."""

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

_ADDED = r"\d[\dT:._-]*"

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
    meanwhile. Files may be rotated, by renaming or by copying and truncating: what was added before
    is read if it still lies in the same directory. ``partial`` of a report are the files that end
    in the middle of a line and were rotated away, each once. ``wait`` is how to pass the time
    between two looks.

    Raises:
        InputError: a path that does not exist at the beginning.
        StoreError: a file cannot be read, or the store fails.
    """
    given = [Path(path) for path in paths]
    find_files(given)
    named = [_Named(path) for path in given if not path.is_dir()]
    directories = [path for path in given if path.is_dir()]
    looks = _Looks()
    while True:
        present = [path for file in named for path in file.present()]
        present += find_files(path for path in directories if path.is_dir())
        changed = looks.changed(list(dict.fromkeys(present)))
        if changed:
            with connect() as client:
                report = ingest_files(client, changed)
            looks.note(changed, report.partial)
        else:
            report = IngestReport()
        report.partial = looks.left_behind()
        yield report
        wait(interval_s)


class _Named:
    """A file that was named, and what is made of it when it is rotated.

    A directory shows its rotated files by itself. Beside a file that was named there may be others
    of earlier days, which were not: those that were there at the beginning.
    """

    def __init__(self, path: Path) -> None:
        name, stem, suffix = (re.escape(part) for part in (path.name, path.stem, path.suffix))
        self._path = path
        self._name = re.compile(rf"{name}[._-]{_ADDED}|{stem}[._-]{_ADDED}{suffix}")
        self._last = _state(path)[0]
        self._strangers = set(self._rotated())

    def present(self) -> list[Path]:
        """The file, after those that were rotated away, as they are older."""
        rotated = self._rotated()
        inode = _state(self._path)[0]
        # A stranger that is gone hands its inode on.
        self._strangers = (self._strangers & rotated.keys()) - {inode}
        own = [rotated[known] for known in rotated.keys() - self._strangers - {inode}]
        if inode != self._last:
            own += [other for other in self._siblings() if _state(other)[0] == self._last]
        if inode is None:
            return own
        self._last = inode
        return [*own, self._path]

    def _rotated(self) -> dict[_Inode, Path]:
        """Files beside it that have its name with numbers or a date added."""
        found = {_state(o)[0]: o for o in self._siblings() if self._name.fullmatch(o.name)}
        return {inode: path for inode, path in found.items() if inode is not None}

    def _siblings(self) -> list[Path]:
        try:
            return sorted(other for other in self._path.parent.iterdir() if other.is_file())
        except FileNotFoundError:
            return []


@dataclass
class _Looks:
    """What was seen of the files when they were looked at, by inode."""

    extents: dict[_Inode, _Extent] = field(default_factory=dict)
    places: dict[_Inode, Path] = field(default_factory=dict)
    first_places: dict[_Inode, Path] = field(default_factory=dict)
    partial: dict[_Inode, PartialLine] = field(default_factory=dict)

    def changed(self, present: list[Path]) -> list[Path]:
        """Those of the files that are not as they were at the last look."""
        changed, extents = [], {}
        self.places = {}
        for path in present:
            inode, extent = _state(path)
            if inode is None:
                continue
            if self.extents.get(inode) != extent:
                changed.append(path)
            extents[inode] = extent
            self.places[inode] = path
        self.extents = extents
        self.first_places = {
            inode: self.first_places.get(inode, path) for inode, path in self.places.items()
        } | {inode: self.first_places[inode] for inode in self.partial}
        return changed

    def note(self, changed: list[Path], partial: list[PartialLine]) -> None:
        """How the files that had changed end, now that they were read."""
        ends = {line.path: line for line in partial}
        for inode, path in self.places.items():
            if path in ends:
                self.partial[inode] = ends[path]
            elif path in changed:
                self.partial.pop(inode, None)

    def left_behind(self) -> list[PartialLine]:
        """The last lines of files that are no longer where they were, each told once."""
        gone = [
            inode for inode in self.partial if self.places.get(inode) != self.first_places[inode]
        ]
        told = [(self.places.get(inode), self.partial.pop(inode)) for inode in gone]
        return [replace(line, path=place or line.path) for place, line in told]


def _state(path: Path) -> tuple[_Inode | None, _Extent]:
    """Which file it is (None when it is gone), and what changes when it is written to."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None, (0, 0)
    return (status.st_dev, status.st_ino), (status.st_size, status.st_mtime_ns)
