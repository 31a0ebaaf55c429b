"""No bytes end an import in anything but a result or its own error, which names the file."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run
from tests.exchange.mutations import mutated
from tests.exchange.test_broken_files import text_of
from tests.exchange.test_formats import FILES

ROUNDS = 60
CUTS = 40
LONGEST = 4_000  # bytes of a file that are damaged: its first lines are enough


def check(found: Run | ImportedSummary) -> None:
    """What was read from a damaged file can be shown and stored."""
    if isinstance(found, Run):
        assert found.summary.count == len(found.samples)
        return
    json.dumps(found.to_dict(), allow_nan=False, ensure_ascii=False).encode()
    ratios = [point.ratio for point in found.percentiles]
    assert ratios == sorted(ratios)
    numbers = [found.count, found.error_count, found.mean_ns, found.min_ns, found.max_ns]
    numbers += [point.value_ns for point in found.percentiles]
    assert all(0 <= number < 1 << 63 for number in numbers if number is not None)


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_read_or_refused(tmp_path: Path, data: Path, name: str) -> None:
    whole = text_of(data / name).encode()[:LONGEST]
    path = tmp_path / "damaged"
    damaged = [whole[: len(whole) * cut // CUTS] for cut in range(CUTS)]
    damaged += [mutated(whole, Random(seed)) for seed in range(ROUNDS)]
    messages = []
    for number, content in enumerate(damaged):
        path.write_bytes(content)
        try:
            check(import_file(path, source=FILES[name]))
        except InputError as exc:
            messages.append(str(exc))
        except Exception as exc:
            raise AssertionError(f"damage {number}") from exc
    assert messages
    assert all(str(path) in message for message in messages)
