"""The directory of a sweep: whose it is, and what is finished in it.

``sweep.json`` says whose it is. Each finished point has a ``point.json`` in its directory, which is
written at once and as a whole: a sweep that ends in any way loses the point under way at most.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchlab.analysis.sweep import SweepPoint
from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.notebook.sweep.planning import PlannedPoint, SweepPlan
from benchlab.runs.head import new_run_id
from benchlab.spool.lock import acquire_lock, release_lock
from benchlab.spool.storage import replace_text
from benchlab.text import plural

__all__ = ["SweepFolder", "claimed", "earlier_points", "free_directory", "look_into"]

_SWEEP, _POINT, _LOCK = "sweep.json", "point.json", ".sweep.lock"
_ORPHANS_END_WITHIN_S = 60.0  # a point whose sweep was killed ends by itself
_LOOK_EVERY_S = 0.1


@dataclass
class SweepFolder:
    """The directory of a sweep and what it knows; ``path`` None is one that is still to be made.

    ``finished`` are the points that are finished, by their keys. ``lock`` is held by the sweep and
    by the process of the point under way.
    """

    path: Path | None
    notebook: str
    experiment_id: str = field(default_factory=new_run_id)
    started_at_ns: int = field(default_factory=time.time_ns)
    finished: dict[str, SweepPoint] = field(default_factory=dict)
    lock: int | None = None

    @property
    def directory(self) -> Path:
        """The path, which is known once the folder is claimed."""
        assert self.path is not None
        return self.path

    def points_of(self, plan: SweepPlan) -> list[SweepPoint]:
        """The finished points of ``plan``, by number."""
        found = [self.finished[point.key] for point in plan.points if point.key in self.finished]
        return sorted(found, key=lambda point: point.number)

    def to_do(self, plan: SweepPlan, *, retry_failed: bool = False) -> list[PlannedPoint]:
        """The points that are not finished, in the order in which they are measured."""
        return [
            point
            for point in plan.in_order()
            if point.key not in self.finished or (retry_failed and self.finished[point.key].error)
        ]

    def numbers(self, plan: SweepPlan) -> dict[str, int]:
        """The number of each point by its key: that which it has, or the next free one."""
        numbers = {key: point.number for key, point in self.finished.items()}
        taken = {*numbers.values()}
        free = (number for number in itertools.count(1) if number not in taken)
        for point in plan.points:
            if point.key not in numbers:
                numbers[point.key] = next(free)
        return numbers

    def prepare(self, point: SweepPoint) -> Path:
        """An empty directory for a point that is about to be measured; returns its path."""
        place = self.directory / point.folder
        with _writing(self.directory):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True, exist_ok=True)
        return place

    def keep(self, key: str, point: SweepPoint) -> None:
        """Note that a point is finished."""
        data = {"key": key, **point.to_dict()}
        with _writing(self.directory):
            replace_text(self.directory / point.folder / _POINT, f"{json.dumps(data, indent=2)}\n")
        self.finished[key] = point


def look_into(directory: Path | None, notebook: str) -> SweepFolder:
    """What is finished in ``directory``; nothing is written.

    Raises:
        InputError: it holds the sweep of another notebook, or points of no sweep that is known.
    """
    folder = SweepFolder(directory, notebook)
    if directory is None:
        return folder
    try:
        data = json.loads((directory / _SWEEP).read_text(encoding="utf-8"))
        folder = replace(
            folder,
            experiment_id=str(data["experiment_id"]),
            started_at_ns=int(data["started_at_ns"]),
        )
        of = str(data["notebook"])
    except FileNotFoundError:
        if next(directory.glob("point-*/*"), None) is not None:
            raise InputError(
                f"{directory} holds another sweep: choose another directory with -o"
            ) from None
        return folder
    except (OSError, *WRONG_CONTENT) as exc:
        raise InputError(
            f"{directory / _SWEEP} cannot be read ({exc}): choose another directory with -o"
        ) from exc
    if of != notebook:
        raise InputError(
            f"{directory} holds another sweep, of {of}: choose another directory with -o"
        )
    folder.finished |= dict(_finished(directory))
    return folder


def free_directory() -> Path:
    """A new directory for a sweep that starts now: of this sweep alone.

    Raises:
        InputError: it cannot be made.
    """
    started = time.strftime("sweep-%Y%m%d-%H%M%S")
    names = itertools.chain([started], (f"{started}-{number}" for number in itertools.count(2)))
    parent = Path("reports")
    with _writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for name in names:
            with suppress(FileExistsError):
                (parent / name).mkdir()
                return parent / name
    raise AssertionError("unreachable")


@contextmanager
def claimed(folder: SweepFolder) -> Iterator[SweepFolder]:
    """The folder, which no other sweep has meanwhile; one without a path gets a new directory.

    Raises:
        InputError: another sweep is under way in it, or it cannot be written to.
    """
    path = folder.path or free_directory()
    with _writing(path):
        path.mkdir(parents=True, exist_ok=True)
        lock = _lock(path)
    try:
        found = replace(look_into(path, folder.notebook), lock=lock)  # as it is now
        data: Mapping[str, Any] = {
            "notebook": found.notebook,
            "experiment_id": found.experiment_id,
            "started_at_ns": found.started_at_ns,
        }
        with _writing(path):
            replace_text(path / _SWEEP, f"{json.dumps(data, indent=2)}\n")
        yield found
    finally:
        release_lock(lock)


def _lock(directory: Path) -> int:
    """Lock the directory. Points whose sweep was killed hold it until they have ended."""
    path = directory / _LOCK
    until_s = time.monotonic() + _ORPHANS_END_WITHIN_S
    while True:
        try:
            lock = acquire_lock(path)
        except BlockingIOError:
            holder = _holder(path)
            if time.monotonic() > until_s or holder is None or _is_alive(holder):
                of = "" if holder is None else f" (process {holder})"
                raise InputError(
                    f"another sweep is under way in {directory}{of}",
                    remedy="wait for its end, or choose another directory with -o",
                ) from None
            time.sleep(_LOOK_EVERY_S)
            continue
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return lock


def _holder(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _finished(directory: Path) -> Iterator[tuple[str, SweepPoint]]:
    for path in sorted(directory.glob(f"point-*/{_POINT}")):
        with suppress(OSError, *WRONG_CONTENT):  # what is not a point is none
            data = json.loads(path.read_text(encoding="utf-8"))
            yield data.pop("key"), SweepPoint.from_dict(data)


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise InputError(f"cannot write to {directory}: {exc.strerror}") from exc


def earlier_points(folder: SweepFolder, plan: SweepPlan) -> str:
    """A note on finished points of another grid, or of the notebook as it was; else empty."""
    others = len(folder.finished.keys() - {point.key for point in plan.points})
    if not others:
        return ""
    return (
        f"not part of this sweep: {plural(others, 'point')} in {folder.path} of another grid, or of"
        " the notebook as it was before"
    )
