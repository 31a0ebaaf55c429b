"""Record trials, and judge what was recorded: ``python -m tests.trials record|judge``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks.table import show
from tests.trials.corpus import read_corpus
from tests.trials.drawing import RATES
from tests.trials.judge import GOALS, judge, tally
from tests.trials.record import record_all


def main(arguments: list[str]) -> int:
    """Carry out a command; the exit status is 1 if trials miss their goal."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="carry out trials that are not recorded yet")
    record.add_argument("--kind", choices=list(GOALS), default="single")
    record.add_argument("--first", type=int, default=0, help="the first seed")
    record.add_argument("--count", type=int, default=17, help="trials whose cause is strong enough")
    record.add_argument("--rates", choices=list(RATES), default="dev")
    record.add_argument("--out", type=Path, required=True)
    verdict = commands.add_parser("judge", help="diagnose what was recorded")
    verdict.add_argument("directory", type=Path)
    verdict.add_argument("--wrong", action="store_true", help="list the trials that were wrong")
    given = parser.parse_args(arguments)
    if given.command == "record":
        record_all(given.first, given.count, given.kind, given.rates, given.out / given.kind)
        return 0
    judged = judge(read_corpus(given.directory))
    result = tally(judged)
    show("Blind trials", *result.shares())
    if result.confusion:
        show("What was named", *result.matrix(), "injected (rows), ranked first (columns)")
    for item in judged:
        if given.wrong and not item.is_right:
            traced = "traced" if item.traced else "not traced"
            print(
                f"{item.kind} {item.seed} ({traced}): {', '.join(item.causes) or 'nothing'},"
                f" found {', '.join(item.found) or 'nothing'}"
            )
    missed = [kind for kind, goal in GOALS.items() if result.share(kind)[0] < goal]
    return int(any(result.count[kind] for kind in missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
