"""How to make the same run again: the command line, and the plan as a file."""

from __future__ import annotations

from benchlab.plan.plan import Plan
from benchlab.plan.toml import plan_to_toml
from benchlab.report.command import command_line, command_notes
from benchlab.report.page import Section

__all__ = ["command"]

_OFFSETS_SHOWN = 20


def command(plan: Plan) -> Section:
    """The command, what it leaves open, and the whole plan."""
    return Section(
        "command",
        {
            "command": command_line(plan),
            "notes": command_notes(plan),
            "plan_file": plan_to_toml(plan, _OFFSETS_SHOWN),
        },
    )
