"""Save the run in a spool, read it back and take its numbers; tell how much memory that took.

    python -m tests.memory SPOOL [LIMIT]

With LIMIT (samples) nothing longer than that is held in memory, as if it were much longer.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from benchlab import spool
from benchlab.runs import objective_results
from benchlab.samples import percentiles, samples
from benchlab.spool import storage as room
from benchlab.store import Store
from benchlab.store.runs import write

STATUS = Path("/proc/self/status")


def memory_mb() -> float:
    """What this process holds, without what lies in files and can be read again."""
    return int(STATUS.read_text().split("RssAnon:")[1].split()[0]) / 1024


class Peak:
    """The most that is held until it is asked for, looked at every 5 ms."""

    def __init__(self) -> None:
        self._peak_mb = memory_mb()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """Look no longer."""
        self._ended.set()
        self._thread.join()
        return self._peak_mb

    def _watch(self) -> None:
        while not self._ended.wait(0.005):
            self._peak_mb = max(self._peak_mb, memory_mb())


def main(directory: Path, limit: int | None) -> None:
    if limit is not None:
        room._MOST_IN_MEMORY_BYTES = limit * samples.SAMPLE_DTYPE.itemsize
        write.BLOCK_SAMPLES = limit
        samples._MOST_COPIED = percentiles._MOST_SORTED = objective_results._MOST_ORDERED = limit
    store = Store()
    with store.connect():
        pass
    before_mb, peak, start = memory_mb(), Peak(), time.perf_counter()
    run = spool.read_run(directory)
    read_at = time.perf_counter()
    store.save(run)
    saved_at, save_mb = time.perf_counter(), peak.end()
    del run
    peak = Peak()
    numbers = store.load(directory.name).to_dict()
    told = {
        "read_s": read_at - start,
        "save_s": saved_at - read_at,
        "before_mb": before_mb,
        "save_mb": save_mb,
        "show_mb": peak.end(),
        "numbers": numbers,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
