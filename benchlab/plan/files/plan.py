"""Read a plan file and the files that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.plan.files.feed import read_feed
from benchlab.plan.files.recording import recorded_draft
from benchlab.plan.files.scenario import scenario
from benchlab.plan.plan import Plan
from benchlab.plan.toml import Files, Place, draft_from_toml
from benchlab.text_files import read_text

__all__ = ["read_draft", "read_plan"]


def read_plan(path: str | Path) -> Plan:
    """The plan in a TOML file; paths in it are relative to the file.

    Raises:
        InputError: the file, or one that it names, cannot be read or used.
    """
    draft, place = read_draft(Path(path))
    with place.errors():
        return Plan(**draft)


def read_draft(path: Path) -> tuple[dict[str, Any], Place]:
    """The arguments of `Plan` that a TOML file gives, and their place for messages.

    Raises:
        InputError: the file, or one that it names, cannot be read or used.
    """
    text = read_text(path)
    base = path.absolute().parent
    files = Files(
        read=lambda name: _read(base / name),
        text=lambda name: read_text(base / name),
        feed=lambda name, pick: read_feed(base / name, pick),
        locate=lambda name: str(base / name),
        scenario=lambda function, base_url: scenario(str(base / function), base_url),
        recorded=recorded_draft,
    )
    return draft_from_toml(text, path.name, files)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise InputError(f"cannot read {path}: {exc.strerror}") from exc
