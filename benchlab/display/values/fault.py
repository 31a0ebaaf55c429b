"""A fault, a schedule of them, and the record of one, as people see them."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.run_view import fault_table
from benchlab.display.table import Table
from benchlab.plan.fault_kinds import FAULT_KINDS
from benchlab.plan.faults import Fault, FaultSchedule
from benchlab.runs.fault_record import FaultRecord
from benchlab.text import plural

__all__ = ["planned_table", "record_view", "schedule_view", "view"]

_MADE_BY = {"target": "the service itself", "proxy": "a proxy", "process": "signals to a process"}


def view(fault: Fault) -> ResultView:
    """What it does, and what makes it."""
    return ResultView(
        title=str(fault),
        banner="fault",
        level="neutral",
        sentence=FAULT_KINDS[fault.kind].help,
        facts=(("made by", _MADE_BY[fault.where]),),
    )


def schedule_view(schedule: FaultSchedule) -> ResultView:
    """The faults with their times."""
    return ResultView(
        title="fault schedule",
        banner="faults",
        level="neutral",
        sentence=plural(len(schedule), "fault") if schedule else "no faults",
        tables=(planned_table(schedule),),
    )


def planned_table(schedule: FaultSchedule) -> Table:
    """A row per fault."""
    rows = [[str(fault), FAULT_KINDS[fault.kind].help] for fault in schedule]
    return Table(("fault", "what it does"), rows)


def record_view(record: FaultRecord) -> ResultView:
    """When it was on."""
    return ResultView(
        title=record.fault,
        banner="failed" if record.error else "fault",
        level="bad" if record.error else "neutral",
        sentence=record.error,
        tables=(fault_table([record]),),
    )
