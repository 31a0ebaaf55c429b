"""How often the cause of a slow run is named right: simulated runs, on seeds not developed on.

make bench runs it. Whole trials with real requests are in `tests.benchmarks.test_trials`.
"""

from __future__ import annotations

import os
import time
from collections import Counter

import numpy as np

from benchlab.analysis.causes.find import find_causes
from benchlab.statistics.proportions import wilson_interval
from tests.analysis.causes.simulation import CAUSES, is_same, simulate
from tests.analysis.causes.world import carry_out, draw_world
from tests.benchmarks.table import show

_SEEDS = int(os.environ.get("BENCHLAB_BENCH_SEEDS", "40"))
_FIRST_SEED = 20_000
_LEAST_RIGHT = 0.9
_LONG_S, _RATE = 500.0, 2000.0


def test_the_injected_cause_comes_first() -> None:
    confusion: dict[str, Counter[str]] = {name: Counter() for name in CAUSES}
    right: Counter[str] = Counter()
    for name in CAUSES:
        for seed in range(_FIRST_SEED, _FIRST_SEED + _SEEDS):
            made = simulate(name, seed)
            found = find_causes(made.run, made.spans)
            first = found[0].cause if found else "nothing"
            if name == "healthy":
                is_right = first in ("nothing", "noise")
            else:
                is_right = is_same(first, name, made.spans is not None)
            right[name] += is_right
            confusion[name][name if is_right else first] += 1
    rows = []
    for name, counts in confusion.items():
        low, high = wilson_interval(right[name], _SEEDS, 0.95)
        others = ", ".join(f"{other} {n}" for other, n in counts.most_common() if other != name)
        rows.append([name, f"{right[name]}/{_SEEDS}", f"{low:.0%}–{high:.0%}", others or "–"])
    total = right.total()
    low, high = wilson_interval(total, _SEEDS * len(CAUSES), 0.95)
    show(
        "Causes of simulated runs: which is ranked first",
        ["injected", "right", "95 % interval", "instead"],
        rows,
        f"{total} of {_SEEDS * len(CAUSES)} right, 95 % interval {low:.1%} to {high:.1%}",
    )
    assert total >= _LEAST_RIGHT * _SEEDS * len(CAUSES)


def test_the_time_for_a_million_requests() -> None:
    rows = []
    for name in ("healthy", "queueing", "bimodal", "periodic_pause"):
        world = draw_world(np.random.default_rng(5), (_RATE, _RATE + 1))
        world.length, world.base, world.spans = _LONG_S, 2e-3, 0.0
        CAUSES[name](world)
        made = carry_out(world, (name,))
        start = time.process_time()
        find_causes(made.run)
        rows.append([name, f"{len(made.run.samples):,}", f"{time.process_time() - start:.1f}"])
    show("Time to find causes", ["run", "requests", "CPU s"], rows)
