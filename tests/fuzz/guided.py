"""Fuzz one target until a finding: ``python -m tests.fuzz.guided TARGET DIRECTORY SECONDS``."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["benchlab"]):
    from tests.fuzz.targets import TARGETS

# Beyond this an input hangs or fills the memory, and is a finding.
_SECONDS, _MEBIBYTES = 60, 3_000


def main(name: str, home: Path, seconds: int) -> None:
    """Fuzz until a finding, which ends the process with another code than 0, or the time is up."""
    target = TARGETS[name]
    target.check(b"")  # what is imported and made on first use takes seconds, and is no finding
    corpus = home / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number:03d}").write_bytes(seed)
    options = {
        "max_total_time": seconds,
        "artifact_prefix": f"{home}/",
        "timeout": _SECONDS,
        "rss_limit_mb": _MEBIBYTES,
        "max_len": 40_000,
        "print_final_stats": 1,
        "verbosity": 0,
    }
    arguments = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([name, str(corpus), *arguments], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
