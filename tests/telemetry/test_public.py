from __future__ import annotations

import subprocess
import sys

import benchlab.telemetry


def test_public_names() -> None:
    assert benchlab.telemetry.__all__ == [
        "Fault",
        "IngestReport",
        "PartialLine",
        "follow",
        "ingest",
    ]


def test_telemetry_does_not_import_the_store() -> None:
    code = "import sys, benchlab.telemetry; print('benchlab.store' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
