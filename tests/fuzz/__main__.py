"""Fuzz one target after the other: ``python -m tests.fuzz --minutes 5 response import``.

An input that breaks a promise is kept in ``.fuzz/<target>`` with what it raised, and the next is
tried. Inputs that reached new code are kept there too, so that the next call starts from them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.targets import TARGETS

KEPT = Path(__file__).parents[2] / ".fuzz"
_MOST_FINDINGS = 10  # of a target: most are of one kind


def main() -> int:
    """Fuzz the targets that the arguments name, each for its share of the minutes."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="in all (default: 5)")
    parser.add_argument("targets", nargs="*", default=[*TARGETS], metavar="TARGET",
                        help=f"of {', '.join(TARGETS)} (default: all)")  # fmt: skip
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no target {unknown.pop()!r}: there are {', '.join(TARGETS)}")
    findings = 0
    for name in options.targets:
        findings += _fuzz_for(name, options.minutes / len(options.targets))
    return int(findings > 0)


def _fuzz_for(name: str, minutes: float) -> int:
    """Fuzz a target in processes of its own, each until a finding; return how many there were."""
    end = time.monotonic() + 60 * minutes
    findings = 0
    while (left := end - time.monotonic()) > 1 and findings < _MOST_FINDINGS:
        print(f"--- {name}: {left / 60:.1f} minutes", flush=True)
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.guided",
            name,
            str(KEPT / name),
            str(int(left)),
        ]
        subprocess.run(command, check=False)
        # Not by the exit code: an engine that is open at the end has one of its own.
        findings = sum(path.is_file() for path in (KEPT / name).glob("*-*"))
    print(f"--- {name}: {findings} findings in {KEPT / name}", flush=True)
    return findings


if __name__ == "__main__":
    sys.exit(main())
