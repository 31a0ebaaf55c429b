"""Output that is lost, and does not end what is done.

Nobody reads it any more, as in ``benchlab run … | head -1``, or the disk is full.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["outlive_output"]


class _Outliving(io.FileIO):
    """What cannot be written is dropped, and all that follows: a gap would be worse than an end."""

    lost: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        if self.lost is None:
            try:
                return super().write(data)
            except OSError as exc:
                self.lost = exc
        return memoryview(data).nbytes


def outlive_output() -> Callable[[], OSError | None]:
    """Let the loss of standard output or error end nothing from now on.

    Else any line could end a command in the middle of its work, a run before it is saved. Returns
    what says, when all is written, why standard output is not whole; that its reader has left is
    no reason, and None.
    """
    raw, sys.stdout = _outliving(sys.stdout)
    _, sys.stderr = _outliving(sys.stderr)

    def lost() -> OSError | None:
        if raw is None:
            return None
        sys.stdout.flush()
        return None if isinstance(raw.lost, BrokenPipeError) else raw.lost

    return lost


def _outliving(stream: TextIO) -> tuple[_Outliving | None, TextIO]:
    if not isinstance(stream, io.TextIOWrapper):  # closed by whoever started us, or captured
        return None, stream
    stream.flush()
    raw = _Outliving(stream.fileno(), "wb", closefd=False)
    return raw, io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
