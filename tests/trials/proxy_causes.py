"""How causes are drawn that lie outside of the service: in the network, or in its whole process.

The service is the fault server without a fault; the run's own faults do the rest.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.trials.drawing import Drawing

__all__ = ["PID", "PROXY_CAUSES"]

PID = "{pid}"
"""Stands for the process id of the service, which is not known when a trial is drawn."""


def _tcp_stall(draw: Drawing) -> None:
    draw.base = min(draw.base, 8.0)
    kind = str(draw.rng.choice(["delayed_ack", "retransmission"]))
    draw.plan_faults.append(f"{kind} ratio={draw.ratio(0.03, 0.3):.2%}")


def _errors(draw: Drawing) -> None:
    draw.plan_faults.append(f"reset ratio={draw.ratio(0.03, 0.3):.2%}")


def _stall(draw: Drawing) -> None:
    length_ms = max(draw.log(150, 700), 3 * draw.high())
    at_s = float(draw.rng.uniform(0.2, 0.8)) * draw.length_s
    draw.plan_faults.append(f"freeze pid={PID} at {at_s * 1e3:.0f}ms for {length_ms:.0f}ms")


PROXY_CAUSES: dict[str, Callable[[Drawing], None]] = {
    "tcp_stall": _tcp_stall,
    "errors": _errors,
    "stall": _stall,
}
"""The causes that the fault proxy and signals to the process can be."""
