"""The supervisor's handle of the process that makes a run's faults.

There is one only if the plan has faults. It lives until all workers have ended, since their
connections may go through its proxies.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from benchlab import spool
from benchlab.errors import BenchlabError, FaultError
from benchlab.load.supervisor.child_process import ChildProcess
from benchlab.plan.plan import Plan
from benchlab.processes.events import Event
from benchlab.spool.fault_log import FaultLog

__all__ = ["FaultProcess", "connecting_by", "start_fault_process"]

_GRACE_S = 60.0
"""It lifts what is on, and waits for a service that does not respond."""


def start_fault_process(plan: Plan) -> FaultProcess | None:
    """Start the process that makes the faults of ``plan``; None if it has none.

    Raises:
        FaultError: it cannot be started.
    """
    if not plan.faults:
        return None
    try:
        return FaultProcess(plan)
    except OSError as exc:
        raise FaultError(
            f"the process of the faults cannot be started ({exc.strerror})",
            remedy="free memory, or raise the limit of processes (ulimit -u)",
        ) from exc


def connecting_by(plan: Plan, resolve: Mapping[str, str]) -> Plan:
    """``plan`` with connections through the proxies that ``resolve`` has.

    A plan with a Unix socket has a proxy before each service, and goes through these alone.
    """
    if not resolve:
        return plan
    transport = plan.transport.to_dict()
    transport["resolve"] = {**transport["resolve"], **resolve}
    return plan.replace(transport=type(plan.transport)(**{**transport, "unix_socket": ""}))


class FaultProcess(ChildProcess):
    """The process that makes the faults of ``plan``."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("the process of the faults", FaultError, "benchlab.faults")
        self._plan = plan
        self._start_ns = 0
        self._is_lost = False

    def log_path(self, directory: Path) -> Path:
        """Its log in the spool ``directory``."""
        return spool.fault_process_log_path(directory)

    def start(self, start_ns: int) -> None:
        """Let the faults begin in a run that starts at ``start_ns`` of the monotonic clock."""
        self._start_ns = start_ns
        self.tell(f"start {start_ns}")

    def events(self) -> list[Event] | None:
        """The events since the last call; None after the process has ended.

        Its end is an event too, if the run has started: no fault is made any more.
        """
        found = super().events()
        if found is None and self._start_ns and not self._is_lost:
            self._is_lost = True
            return [Event("stopping", reason=self._record_loss())]
        return found

    def _record_loss(self) -> str:
        """Record what its end means for the faults that are not over; returns the reason."""
        assert self._directory is not None
        reason = f"the process of the faults ended ({self.last_line()})"
        run_ns = time.monotonic_ns() - self._start_ns
        log = FaultLog(spool.fault_log_path(self._directory))
        lost = []
        with suppress(OSError, BenchlabError):  # a full disk, or a damaged line
            known = spool.read_faults(self._directory, self._plan)
            over = [record.number for record in known if record.ended_ns is not None]
            begun = [record.number for record in known]
            for number, fault in enumerate(self._plan.faults):
                if number in over:
                    continue
                when = "while it was on" if number in begun else "before it was set"
                log.failed(number, run_ns, f"{reason} {when}")
                lost.append(str(fault))
        return f"{reason}: {', '.join(lost)}" if lost else reason

    def end(self) -> None:
        """Let it lift what is still on, and end it; by force if needed."""
        self.close(_GRACE_S)
