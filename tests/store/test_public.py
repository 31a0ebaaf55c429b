from __future__ import annotations

import subprocess

import benchlab.store


def test_public_names() -> None:
    assert benchlab.store.__all__ == ["Store"]


def test_importing_loads_neither_engine_nor_pandas(python: str) -> None:
    code = (
        "import sys, benchlab.store;"
        "heavy = ('chdb', 'clickhouse_connect', 'filelock', 'pandas');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
