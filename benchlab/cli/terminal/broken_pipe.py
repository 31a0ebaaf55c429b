"""Keep running when standard output is closed, as in ``benchlab run … | head -1``, or full."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["tolerate_closed_output"]


class _TolerantFile(io.FileIO):
    """After the first failed write, drops all further output: truncation beats a gap."""

    error: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        if self.error is None:
            try:
                return super().write(data)
            except OSError as exc:
                self.error = exc
        return memoryview(data).nbytes


def tolerate_closed_output() -> Callable[[], OSError | None]:
    """From now on, ignore failed writes to standard output and standard error.

    Otherwise any printed line could end a command halfway, such as before a run is saved. Returns
    a function to call at the end: it returns the error that truncated standard output, or None if
    the output is complete or its reader left.
    """
    raw, sys.stdout = _tolerant(sys.stdout)
    _, sys.stderr = _tolerant(sys.stderr)

    def output_error() -> OSError | None:
        if raw is None:
            return None
        sys.stdout.flush()
        return None if isinstance(raw.error, BrokenPipeError) else raw.error

    return output_error


def _tolerant(stream: TextIO) -> tuple[_TolerantFile | None, TextIO]:
    if not isinstance(stream, io.TextIOWrapper):  # closed by the parent process, or captured
        return None, stream
    stream.flush()
    raw = _TolerantFile(stream.fileno(), "wb", closefd=False)
    return raw, io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        # What the locale's encoding lacks is a question mark, not a traceback.
        errors="replace" if stream.errors == "strict" else stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
