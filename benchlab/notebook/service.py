"""The service that a notebook measures, and the telemetry that it writes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchlab.bundled import TargetProcess, start_target
from benchlab.errors import InputError
from benchlab.paths import data_dir
from benchlab.redact import public_url
from benchlab.store import Store
from benchlab.telemetry import IngestReport, ingest

__all__ = ["Service", "collect_telemetry", "service"]

_PATH = "/api/vector/add"
_GRPC_PATH = "/benchlab.Vectors/Add"


class Service:
    """The service that a notebook measures: any service, or the bundled target.

    ``url`` is where requests go. ``http_url`` is the base URL of the bundled target over HTTP, at
    which faults are set also if requests go over gRPC (``service=``); of another service it is
    empty. ``otlp_dir`` is the directory of its telemetry files, or None; ``disposable`` says
    whether they are benchlab's own and complete.
    """

    def __init__(self, url: str, otlp_dir: Path | None, process: TargetProcess | None) -> None:
        self.url = url
        self.http_url = "" if process is None else process.url
        self.otlp_dir = otlp_dir
        self.disposable = False
        self._process = process

    def restart(self, *, lookup_ms: float) -> None:
        """Replace the bundled target by a slower version of itself, at the same address.

        Each of its requests waits for ``lookup_ms``.

        Raises:
            InputError: this is another service, which is not ours to restart.
        """
        if self._process is None:
            raise InputError(f"{public_url(self.url)} is not the bundled target, so it stays as is")
        self._process.stop()
        port = urlsplit(self._process.url).port or 0
        self._process = start_target(
            port,
            self.otlp_dir,
            grpc_port=urlsplit(self._process.grpc_url).port,
            lookup_ms=lookup_ms,
            faults=self._process.faults,
        )

    def stop(self) -> None:
        """Stop the bundled target, which completes its telemetry; leave other services alone."""
        if self._process is not None:
            self._process.stop()
            self.disposable = self.otlp_dir is not None and data_dir() in self.otlp_dir.parents

    def __repr__(self) -> str:
        kind = "bundled target" if self._process is not None else "service"
        return f"<{kind} at {public_url(self.url)}>"


def service(
    url: str = "",
    otlp_dir: str = "",
    *,
    path: str | None = None,
    grpc: bool = False,
    traced: bool = True,
    lookup_ms: float = 0.0,
    faults: bool = False,
) -> Service:
    """The service at ``url``; with an empty ``url``, a freshly started bundled target.

    ``path`` is the path to measure of the bundled target, which adds vectors by default: over HTTP,
    or with ``grpc`` over gRPC. Unless it is ``traced``, it writes no telemetry, which would cost it
    more than its work. With ``lookup_ms`` it is a slower version of itself, whose requests wait so
    long. With ``faults`` a plan's faults can be set in it.
    """
    if url:
        return Service(url, Path(otlp_dir) if otlp_dir else None, None)
    directory = None
    if traced:
        directory = Path(otlp_dir) if otlp_dir else data_dir() / "otlp" / f"{time.time_ns()}"
    process = start_target(
        otlp_dir=directory, grpc_port=0 if grpc else None, lookup_ms=lookup_ms, faults=faults
    )
    if path is None:
        path = _GRPC_PATH if grpc else _PATH
    return Service((process.grpc_url if grpc else process.url) + path, directory, process)


def collect_telemetry(store: Store, service: Service) -> IngestReport | None:
    """Ingest the service's telemetry files into the store; None where there are none.

    Files of the bundled target are removed once the store has them.
    """
    if service.otlp_dir is None or not service.otlp_dir.is_dir():
        return None
    with store.connect() as client:
        taken = ingest(client, [service.otlp_dir])
    if service.disposable:
        shutil.rmtree(service.otlp_dir, ignore_errors=True)
    return taken
