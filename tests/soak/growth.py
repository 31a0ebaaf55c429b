"""What processes hold over time, and whether it grows."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from scipy.stats import theilslopes

__all__ = ["Held", "Watch"]

_SETTLED = 0.25
"""The first part of the time, in which a process is still filling its pools."""


@dataclass
class Held:
    """What one process held: seconds, anonymous memory in MB, open files."""

    seconds: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def growth_mb(self) -> float:
        """Memory gained from the first quarter of the time to its end, by the median slope.

        Source: Theil–Sen, Sen, JASA 63 (1968): a single peak does not move it.
        """
        seconds, memory = (np.array(item) for item in (self.seconds, self.memory_mb))
        settled = seconds >= _SETTLED * seconds[-1]
        slope = float(theilslopes(memory[settled], seconds[settled])[0])
        return slope * float(seconds[-1] - seconds[settled][0])

    def files_gained(self) -> int:
        """Open files gained between the medians of the second and of the last quarter."""
        quarter = max(1, len(self.files) // 4)
        second, last = self.files[quarter : 2 * quarter], self.files[-quarter:]
        return int(np.median(last) - np.median(second))

    def describe(self) -> tuple[str, ...]:
        """Level and growth, as cells of a table."""
        return (
            f"{np.median(self.memory_mb):.1f} MB",
            f"{max(self.memory_mb):.1f} MB",
            f"{self.growth_mb():+.2f} MB",
            f"{int(np.median(self.files))}",
            f"{max(self.files)}",
            f"{self.files_gained():+d}",
        )


class Watch:
    """Looks at processes now and then, while in a ``with`` statement.

    ``roles`` names what is watched by what its command line contains, among ``parent`` and its
    descendants; the others are named with their process ids.
    """

    def __init__(self, parent: int, roles: dict[str, str], others: dict[str, int], every_s: float):
        self.held: dict[str, Held] = {}
        self._parent = psutil.Process(parent)
        self._roles = roles
        self._processes = {name: psutil.Process(pid) for name, pid in others.items()}
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        now_s = 0.0
        while not self._ended.wait(self._every_s):
            now_s += self._every_s
            self._look(now_s)

    def _look(self, now_s: float) -> None:
        with suppress(psutil.Error):
            for child in [self._parent, *self._parent.children(recursive=True)]:
                command = " ".join(child.cmdline())
                for role, part in self._roles.items():
                    if part in command and role not in self._processes:
                        self._processes[role] = child
        if set(self._roles) - set(self._processes):
            return  # not all of them have started
        # All of them or none: once one has ended, the others are no longer doing the same.
        with suppress(psutil.Error, OSError, IndexError):
            found = {
                role: (_memory_mb(process.pid), process.num_fds())
                for role, process in self._processes.items()
            }
            for role, (memory_mb, files) in found.items():
                held = self.held.setdefault(role, Held())
                held.seconds.append(now_s)
                held.memory_mb.append(memory_mb)
                held.files.append(files)


def _memory_mb(pid: int) -> float:
    """What a process holds that is in no file."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024
