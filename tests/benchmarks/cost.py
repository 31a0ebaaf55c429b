"""The CPU time that a request costs a generator, whatever it is written in.

It is the CPU time of the generator's processes while it runs at full speed, over what the service
took in meanwhile: neither starting up nor a tool's own count matters.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.benchmarks.machine import GENERATOR, cpu_seconds, on_cores
from tests.benchmarks.peers import ENVIRONMENT

__all__ = ["SECONDS", "Costs", "cost_us", "costs_of"]

_SETTLE_S = 1
_MEASURE_S = 2
_BEGUN = 100  # requests, by which a generator has started up

SECONDS = _SETTLE_S + _MEASURE_S + 4
"""How long a generator has to run to be looked at."""


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU time per request in µs by the generators' names, and as a ratio to the first of them.

    Both are medians of the rounds; the ratio is the figure to quote, since it survives a change of
    machine.
    """

    micros: Mapping[str, float]
    ratios: Mapping[str, float]

    def rows(self) -> list[tuple[str, str, str]]:
        """A table: the cheapest first."""
        names = sorted(self.micros, key=lambda name: self.micros[name])
        return [(name, f"{self.micros[name]:.1f}", f"{self.ratios[name]:.2f}") for name in names]


class Service(Protocol):
    """A service that counts."""

    def served(self) -> int:
        """How many requests it has taken in so far, whoever sent them."""


def costs_of(commands: Mapping[str, list[str]], service: Service, log: Path, rounds: int) -> Costs:
    """What requests cost; in every round each of ``commands`` runs once."""
    found = [
        {name: cost_us(command, service, log) for name, command in commands.items()}
        for _ in range(rounds)
    ]
    first = next(iter(commands))

    def median(of: Callable[[Mapping[str, float], str], float]) -> dict[str, float]:
        return {name: statistics.median(of(each, name) for each in found) for name in commands}

    return Costs(
        median(lambda each, name: each[name]), median(lambda each, name: each[name] / each[first])
    )


def cost_us(command: list[str], service: Service, log: Path) -> float:
    """CPU time per request in µs of a generator that runs for at least `SECONDS`."""
    before = service.served()
    with log.open("wb") as output, on_cores(GENERATOR):
        tool = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **ENVIRONMENT}
        )
    while service.served() < before + _BEGUN:
        assert tool.poll() is None, log.read_text(errors="replace")
        time.sleep(0.05)
    time.sleep(_SETTLE_S)
    served, cpu_s = service.served(), cpu_seconds(tool.pid)
    time.sleep(_MEASURE_S)
    served, cpu_s = service.served() - served, cpu_seconds(tool.pid) - cpu_s
    assert tool.poll() is None, f"it ended too early: {log.read_text(errors='replace')}"
    tool.wait()
    return cpu_s / served * 1e6
