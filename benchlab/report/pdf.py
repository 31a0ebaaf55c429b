"""A page as PDF, printed by the Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from benchlab.errors import OutputError
from benchlab.spool.storage import replacing
from benchlab.text import one_line

__all__ = ["find_chromium", "print_pdf", "write_pdf"]

_PROGRAMS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_TIME_S: Final = 120
# Nothing but the page is loaded: whatever name would be looked up is not found.
_OFFLINE: Final = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
)


def find_chromium(programs: Sequence[str] = _PROGRAMS) -> str:
    """The path of a Chromium or Chrome.

    Raises:
        OutputError: none is installed.
    """
    found = next(filter(None, map(shutil.which, programs)), None)
    if found is None:
        raise OutputError(
            "there is no Chromium to print the PDF with",
            remedy="install chromium or google-chrome, or leave out the format pdf and print the"
            " page from a browser",
        )
    return found


def print_pdf(html: str, *, time_s: float = _TIME_S) -> bytes:
    """The page with this HTML as PDF, as its style sheet wants it printed.

    Chromium gets a profile of its own, which is removed afterwards, and no network.

    Source: chromium --headless, https://developer.chrome.com/docs/chromium/headless

    Raises:
        OutputError: there is no Chromium, it failed, or it took longer than ``time_s``.
    """
    program = find_chromium()
    with tempfile.TemporaryDirectory(prefix="benchlab-pdf-", ignore_cleanup_errors=True) as scratch:
        page, printed = Path(scratch) / "report.html", Path(scratch) / "report.pdf"
        page.write_text(html, encoding="utf-8")
        command = [
            program,
            "--headless",
            "--disable-gpu",
            *_sandbox(),
            *_OFFLINE,
            f"--user-data-dir={Path(scratch) / 'profile'}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={printed}",
            page.as_uri(),
        ]
        problem = _run(command, time_s, Path(scratch) / "log")
        if not printed.is_file() or not printed.stat().st_size:
            raise OutputError(
                f"{program} printed no PDF{problem}",
                remedy="print the page from a browser, or leave out the format pdf",
            )
        return printed.read_bytes()


def write_pdf(page: Path) -> Path:
    """Print the file ``page`` to a PDF beside it; returns its path.

    Raises:
        OutputError: it cannot be printed or written.
    """
    printed = page.with_suffix(".pdf")
    try:
        content = print_pdf(page.read_text(encoding="utf-8"))
        with replacing(printed) as file:
            file.write(content)
    except OSError as exc:
        raise OutputError(f"cannot write {printed} ({exc.strerror})") from exc
    return printed


def _sandbox() -> list[str]:
    """Chromium refuses to run its sandbox as root, as which containers often run."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def _run(command: Sequence[str], time_s: float, log: Path) -> str:
    """Run ``command``, and end all of its processes; returns how it went, for a message."""
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,  # no pipe: its child processes may outlive it, and keep that open
            process_group=0,
        ) as process,
    ):
        try:
            process.wait(time_s)
        except subprocess.TimeoutExpired:
            return f" within {time_s:g} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    return (
        f" (exit code {process.returncode}{''.join(f': {one_line(text, 200)}' for text in last)})"
    )
