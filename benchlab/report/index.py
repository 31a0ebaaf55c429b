"""``reports/index.html``: every report below the directory ``reports``, with its main figure.

Beside each report there is a manifest, from which the index is made anew whenever a report is
written. So what was removed is gone from it, and what was copied there is listed.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, get_args
from urllib.parse import quote

from benchlab.display.banner import Level
from benchlab.display.results.registry import view_of
from benchlab.display.run_view import view
from benchlab.displayed import Result
from benchlab.report.page import Section, render_page
from benchlab.report.thumbnail import thumbnail
from benchlab.runs.run import Run
from benchlab.spool.storage import replace_text
from benchlab.text import one_line
from benchlab.version import __version__

__all__ = [
    "MANIFEST",
    "THUMBNAIL",
    "Manifest",
    "Report",
    "find_reports",
    "iso_now",
    "list_report",
    "manifest_of",
    "render_index",
    "reports_root",
    "update_index",
]

MANIFEST: Final = "manifest.json"
THUMBNAIL: Final = "thumbnail.svg"

_ROOT: Final = "reports"
_DEPTH: Final = 2
_POINT = re.compile(r"point-\d+")  # a part of a sweep, whose own page lists it
_LARGEST_MANIFEST = 64_000
_LARGEST_PICTURE = 100_000
_PICTURES = 100  # of the latest reports: the page shall open at once
_TITLE_LENGTH = 200
_OURS = '<meta name="generator" content="benchlab'


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a list of reports says of one.

    ``kind`` is what it reports: a run, a comparison, a capacity search. ``verdict`` is its answer
    in a few words, coloured by ``level``. ``started_at`` is when the measurement started, empty
    for the analysis of stored runs; both times are ISO 8601, UTC. ``page`` is the file to open.
    """

    kind: str
    title: str
    verdict: str = ""
    level: Level = "neutral"
    started_at: str = ""
    written_at: str = ""
    page: str = "report.html"

    def to_json(self) -> str:
        """The text of the file `MANIFEST`."""
        return json.dumps(asdict(self), indent=2) + "\n"


@dataclass(frozen=True)
class Report:
    """A report below the directory ``root``; ``place`` is its own, relative to that."""

    root: Path
    place: Path
    manifest: Manifest

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict: the manifest, and where the report is."""
        return {"place": self.place.as_posix(), **asdict(self.manifest)}

    @property
    def date(self) -> str:
        """When it was measured or, for an analysis, written: ``2026-11-28 12:00:00``, UTC."""
        return (self.manifest.started_at or self.manifest.written_at)[:19].replace("T", " ")

    @property
    def page(self) -> str:
        """The page's URL, relative to the directory of all reports."""
        return quote(f"{self.place.as_posix()}/{self.manifest.page}")

    def picture(self) -> str:
        """The main figure as a URL that has it in itself; empty without one."""
        with suppress(OSError):
            content = (self.root / self.place / THUMBNAIL).read_bytes()
            if len(content) < _LARGEST_PICTURE:
                return f"data:image/svg+xml;base64,{b64encode(content).decode()}"
        return ""


def manifest_of(result: Run | Result, page: str = "report.html") -> Manifest:
    """The manifest of a report of ``result`` that is written now, to the file ``page``."""
    now = iso_now()
    if isinstance(result, Run):
        shown = view(result)
        return Manifest(
            kind="run",
            title=shown.name,
            verdict=shown.banner,
            level=shown.level,
            started_at=_iso(result.started_at),
            written_at=now,
            page=page,
        )
    found = view_of(result)
    return Manifest(
        kind=type(result).__name__.lower(),
        title=found.title,
        verdict=found.banner,
        level=found.level,
        written_at=now,
        page=page,
    )


def reports_root(directory: Path) -> Path | None:
    """The directory ``reports`` that has the index with ``directory``; None if it is not in one.

    It is among the parents that the path names, so that what is called so by chance far above is
    left alone.

    >>> reports_root(Path("reports/a")), reports_root(Path("out/a"))
    (PosixPath('reports'), None)
    """
    near = list(directory.parents)[:_DEPTH]
    return next((parent for parent in near if parent.name == _ROOT), None)


def list_report(directory: Path, manifest: Manifest, html: str) -> None:
    """List the report in ``directory``, whose page is ``html``, in the index that it belongs to.

    Outside of a directory ``reports`` this does nothing. That the index cannot be written is no
    error: the report is there all the same.
    """
    root = reports_root(directory)
    if root is None:
        return
    with suppress(OSError):
        picture = thumbnail(html)
        if picture is None:
            (directory / THUMBNAIL).unlink(missing_ok=True)
        else:
            replace_text(directory / THUMBNAIL, picture)
        replace_text(directory / MANIFEST, manifest.to_json())
        update_index(root)


def update_index(root: Path) -> None:
    """Write ``index.html`` anew from the reports below ``root``.

    Of several processes that write at once, the last has seen the reports of all. An ``index.html``
    that something else made is left alone.

    Raises:
        OSError: it cannot be written.
    """
    page = root / "index.html"
    with _locked(root):
        if not page.exists() or _is_ours(page):
            replace_text(page, render_index(find_reports(root)))


def render_index(reports: list[Report]) -> str:
    """HTML of the list of ``reports``."""
    pictures = [report.picture() for report in reports[:_PICTURES]]
    rows = list(zip_longest(reports, pictures, fillvalue=""))
    section = Section("reports", {"rows": rows, "count": len(rows), "version": __version__})
    return render_page("Reports", [section])


def find_reports(root: Path) -> list[Report]:
    """The reports below ``root``, the latest first."""
    found = sorted(_found(root, root, _DEPTH), key=lambda report: report.place.as_posix())
    return sorted(found, key=lambda report: report.date, reverse=True)


def _found(root: Path, directory: Path, depth: int) -> Iterator[Report]:
    try:
        children = [Path(entry) for entry in os.scandir(directory) if _is_own_directory(entry)]
    except OSError:  # removed meanwhile, or not to be read
        return
    for child in children:
        manifest = _read(child)
        if manifest is not None:
            yield Report(root, child.relative_to(root), manifest)
        elif depth > 1:
            yield from _found(root, child, depth - 1)


def _is_own_directory(entry: os.DirEntry[str]) -> bool:
    hidden = entry.name.startswith(".") or _POINT.fullmatch(entry.name) is not None
    return not hidden and entry.is_dir(follow_symlinks=False)


def _read(directory: Path) -> Manifest | None:
    """The manifest in ``directory``; None if there is none, or none of this form."""
    try:
        with (directory / MANIFEST).open("rb") as file:
            data: Any = json.loads(file.read(_LARGEST_MANIFEST))
        values = {
            field.name: one_line(data[field.name], _TITLE_LENGTH)
            for field in fields(Manifest)
            if isinstance(data.get(field.name), str)
        }
        found = Manifest(**values)  # type: ignore[arg-type]
        page = directory / found.page
        valid = found.level in get_args(Level) and page.parent == directory and page.is_file()
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return found if valid else None


def _is_ours(page: Path) -> bool:
    with suppress(OSError), page.open("rb") as file:
        return _OURS.encode() in file.read(4096)
    return False


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep other writers of the index waiting, where the file system has locks."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def iso_now() -> str:
    """This moment, as a manifest has it."""
    return _iso(datetime.now(UTC))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
