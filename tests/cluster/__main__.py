"""Kill parts of a cluster at random: ``python -m tests.cluster chaos --rounds 20 --seed 1``.

The first round that breaks a promise ends it, and is shown with what draws it again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.table import show
from tests.cluster.arrivals import arriving
from tests.cluster.chaos import PAUSE_S, Outcome, drawn, play
from tests.cluster.local import start_cluster


def main() -> int:
    """Play the rounds that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("what", choices=["chaos"])
    parser.add_argument("--rounds", type=int, default=20, help="how many (default: 20)")
    parser.add_argument("--hosts", type=int, default=4, help="of the cluster (default: 4)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10_000)
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="benchlab-chaos-") as place:
        os.environ["BENCHLAB_DATA_DIR"] = str(Path(place) / "data")
        os.environ.pop("BENCHLAB_DSN", None)
        with (
            arriving(pause_s=PAUSE_S) as arrivals,
            start_cluster(Path(place), options.hosts) as cluster,
        ):
            for this in drawn(options.rounds, options.hosts, options.seed):
                print(this, flush=True)
                began = time.monotonic()
                outcomes.append(play(cluster, arrivals, this))
                took_s = time.monotonic() - began
                print(f"  {took_s:.1f} s, ended after {outcomes[-1].ended_s:.1f} s", flush=True)
    print_figures(outcomes, options.seed)
    return 0


def print_figures(outcomes: list[Outcome], seed: int) -> None:
    """What came of each round, and in all."""
    columns = ("killed", "when", "at", "arrived", "saved", "on hosts", "under way", "ended", "run")
    rows = [
        (
            outcome.round.victim,
            outcome.round.moment,
            f"{outcome.round.at:.0%}",
            f"{outcome.arrived:,}",
            f"{len(outcome.saved.samples):,}" if outcome.saved else "-",
            f"{outcome.on_hosts:,}",
            len(outcome.missing),
            f"{outcome.ended_s:.1f} s",
            outcome.saved.verdict if outcome.saved else outcome.result.get("error", "none"),
        )
        for outcome in outcomes
    ]
    arrived = sum(outcome.arrived for outcome in outcomes)
    fetched = sum(outcome.on_hosts for outcome in outcomes)
    note = (
        f"{len(outcomes)} rounds (seed {seed}): {arrived:,} requests, {fetched:,} fetched from"
        " disks afterwards, none lost, none twice"
    )
    show("Chaos in a cluster", columns, rows, note)


if __name__ == "__main__":
    sys.exit(main())
