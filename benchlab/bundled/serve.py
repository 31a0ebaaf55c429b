"""Serve the bundled target: ``python -m benchlab.bundled.serve`` with its options as JSON.

It prints one line of JSON, ``{"url": …, "grpc_url": …}``, when it is ready, and ends when its
standard input is closed, so that it never outlives its parent process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from benchlab.bundled.files import target_home
from benchlab.errors import InputError

__all__ = ["serve"]

_NOT_STARTED = "the service did not start: its log has the reason"


class _Server(uvicorn.Server):
    """A server that reports when it is ready, and that a closed terminal ends like Ctrl-C."""

    on_ready: Callable[[], None]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
                signal.signal(signal.SIGHUP, self.handle_exit)
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self.on_ready()


def serve(
    port: int,
    otlp_dir: Path | None,
    on_ready: Callable[[str, str], None],
    *,
    grpc_port: int | None = None,
    faults: bool = False,
    until_input_ends: bool = False,
) -> None:
    """Serve on the loopback interface until stopped; ``port`` 0 means any free port.

    With ``grpc_port``, or if the environment says so, gRPC is served as well. ``on_ready`` is
    called with the URL, and with that of gRPC or an empty one. Traces and metrics go to files in
    ``otlp_dir``, or by default where the standard ``OTEL_`` variables send them. With ``faults``,
    or if the environment says so, this machine may set faults, and whoever has the token that the
    environment may have.

    Raises:
        InputError: a port is in use, or a variable of the environment is invalid.
    """
    if grpc_port and grpc_port == port:
        raise InputError(f"port {port} cannot have both HTTP and gRPC: choose another one for gRPC")
    if grpc_port is not None:
        # gRPC opens its own, but does not say why it cannot.
        _bound(grpc_port).close()
        os.environ["BENCHLAB_TARGET_GRPC"] = f"127.0.0.1:{grpc_port}"
    listener = _bound(port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    if otlp_dir is not None:
        try:
            otlp_dir.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            listener.close()
            raise InputError(f"cannot write to {otlp_dir} ({exc.strerror})") from exc
        os.environ["BENCHLAB_TARGET_OTLP_DIR"] = str(otlp_dir)
    if faults:
        os.environ["BENCHLAB_TARGET_FAULTS"] = "1"
    config = uvicorn.Config(
        "target.app:app",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
    sys.path.insert(0, str(target_home()))
    server = _Server(config)
    server.on_ready = lambda: on_ready(url, _grpc_url())
    if until_input_ends:
        threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    try:
        server.run(sockets=[listener])
    except SystemExit as exc:
        # The service's own message, or none.
        raise InputError(exc.code if isinstance(exc.code, str) else _NOT_STARTED) from exc
    if not server.started:
        raise InputError(_NOT_STARTED)


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as exc:
        listener.close()
        reason = getattr(exc, "strerror", None) or exc
        raise InputError(f"cannot listen on port {port} ({reason}): choose another one") from exc
    return listener


def _grpc_url() -> str:
    server = sys.modules["target.app"].app.state.grpc_server
    return f"grpc://{server.address}" if server else ""


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    while os.read(0, 4096):
        pass
    server.should_exit = True


def _announce(url: str, grpc_url: str) -> None:
    print(json.dumps({"url": url, "grpc_url": grpc_url}), flush=True)


def main() -> int:
    """Entry point of the process."""
    options = json.loads(sys.argv[1])
    otlp_dir = Path(options["otlp_dir"]) if options["otlp_dir"] else None
    if options["lookup_ms"]:
        os.environ["BENCHLAB_TARGET_LOOKUP_MS"] = f"{options['lookup_ms']}"
    try:
        serve(
            options["port"],
            otlp_dir,
            _announce,
            grpc_port=options["grpc_port"],
            faults=options["faults"],
            until_input_ends=True,
        )
    except InputError as exc:
        print(exc, file=sys.stderr)
        return exc.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
