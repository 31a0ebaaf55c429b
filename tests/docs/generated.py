"""Which parts of which pages are generated, and by what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.docs import cli_reference, fault_kinds, late_replays, layers, notebooks
from tests.docs.pages import DOCS, replace_marked

__all__ = ["GENERATED", "generate"]

GENERATED: Mapping[tuple[Path, str], Callable[[], str]] = {
    (DOCS / "cli.md", "commands"): cli_reference.render,
    (DOCS / "architecture.md", "layers"): layers.render,
    (DOCS / "faults.md", "fault-kinds"): fault_kinds.render,
    (DOCS / "replay.md", "late-replays"): late_replays.render,
    (DOCS / "notebooks.md", "questions"): notebooks.render_questions,
    (DOCS / "notebooks.md", "notebook-parameters"): notebooks.render_parameters,
}
"""By page and name of the marked part, what writes it."""


def generate(page: Path, name: str) -> str:
    """The page's text with that part written anew."""
    return replace_marked(page.read_text(), name, GENERATED[page, name]())
