"""What went wrong, as a reader sees it: the first failed requests of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchlab.runs.run import Run
from benchlab.samples.examples import Example, show_first
from benchlab.text import printable
from benchlab.units import NS_PER_S, format_bytes

__all__ = ["Exhibit", "exhibits", "left_out_note"]

_SHOWN = 20


class Exhibit(NamedTuple):
    """One failed request: what and which it was, what was wrong, and what had come."""

    kind: str
    status: str
    endpoint: str
    words: str
    place: str
    headers: str
    body: str
    body_label: str


def exhibits(run: Run) -> list[Exhibit]:
    """The failures to show, no two alike."""
    shown = show_first(run.examples, run.plan.warmup_ns, _SHOWN)
    return [_exhibit(example, warmup=warmup) for example, warmup in shown]


def left_out_note(run: Run, shown: Sequence[Exhibit]) -> str:
    """How many examples are kept beyond those on the page; empty when none are."""
    left = len(run.examples) - len(shown)
    return f"{left:,} more like these are kept with the run, as run.examples." if left else ""


def _exhibit(example: Example, *, warmup: bool) -> Exhibit:
    phase = ", in the warm-up" if warmup else ""
    place = f"request #{example.seq:,}, meant for {example.intended_ns / NS_PER_S:.3f} s{phase}"
    size = format_bytes(example.body_bytes)
    whole = len(example.body.encode()) >= example.body_bytes
    return Exhibit(
        kind=example.kind,
        status=str(example.status or ""),
        endpoint=printable(example.endpoint),
        words=printable(example.message),
        place=place,
        headers=printable("\n".join(f"{name}: {value}" for name, value in example.headers)),
        body=printable(example.body),
        body_label=f"Body, {size}" if whole else f"Start of the body, {size} in all",
    )
