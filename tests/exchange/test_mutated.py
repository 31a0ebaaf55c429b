"""No bytes end an import in anything but a result or its own error, which names the file."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from tests.exchange.mutations import mutated
from tests.exchange.test_broken_files import FORMATS, text_of

ROUNDS = 60


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_read_or_refused(tmp_path: Path, data: Path, name: str) -> None:
    whole = "\n".join(text_of(data / name).splitlines()[:40]).encode()
    path = tmp_path / "damaged"
    messages = []
    for seed in range(ROUNDS):
        path.write_bytes(mutated(whole, Random(seed)))
        try:
            import_file(path, source=FORMATS[name])
        except InputError as exc:
            messages.append(str(exc))
        except Exception as exc:
            raise AssertionError(f"seed {seed}") from exc
    assert messages
    assert all(str(path) in message for message in messages)
