"""Recordings and logs for tests."""

from __future__ import annotations

from pathlib import Path

from benchlab import Recording

__all__ = ["BASE", "log_of", "recording", "rows"]

BASE = "http://host"


def recording(count: int) -> Recording:
    """Requests to as many paths of one route, at uneven times."""
    return Recording.from_table(
        offset_s=[number + number % 3 / 8 for number in range(count)],
        method=["GET"] * count,
        path=[f"/items/{number}" for number in range(count)],
    )


def log_of(directory: Path, *lines: str, **options: object) -> Recording:
    """The recording of a log with these lines."""
    path = directory / "access.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")
    return Recording.from_access_log(path, **options)  # type: ignore[arg-type]


def rows(found: Recording) -> list[tuple[float, str, str]]:
    """Time, method and path of each request."""
    frame = found.to_pandas()
    return [
        (round(offset, 6), method, path)
        for offset, method, path in zip(frame.offset_s, frame.method, frame.path, strict=True)
    ]
