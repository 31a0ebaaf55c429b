"""An HTTP/2 server over TLS, a thread per connection, with the same response to every request."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from tests.load.servers import accepting


class Seen:
    """The headers of the received requests, and their connections."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []
        self.connections: set[int] = set()

    @property
    def connection_count(self) -> int:
        """Number of connections with a request."""
        return len(self.connections)


@contextlib.contextmanager
def serving_http2(
    tls: ssl.SSLContext, seen: Seen, *, status: int = 200, body: bytes = b"over h2"
) -> Iterator[str]:
    """Start a server on a free port that only speaks HTTP/2; yields its URL."""
    tls.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(raw: socket.socket) -> None:
        with contextlib.suppress(OSError), tls.wrap_socket(raw, server_side=True) as connection:
            protocol = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
            protocol.initiate_connection()
            connection.sendall(protocol.data_to_send())
            while data := connection.recv(65536):
                for event in protocol.receive_data(data):
                    if isinstance(event, RequestReceived):
                        seen.connections.add(id(raw))
                        seen.requests.append(
                            {str(name): str(value) for name, value in event.headers or ()}
                        )
                    elif isinstance(event, StreamEnded):
                        response = [(":status", str(status)), ("server", "two")]
                        protocol.send_headers(event.stream_id, response)
                        protocol.send_data(event.stream_id, body, end_stream=True)
                connection.sendall(protocol.data_to_send())

    with accepting(listener, serve):
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
