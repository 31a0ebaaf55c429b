"""Other generators that speak HTTP/2, and the commands that make each of them do the same.

In clear text they do so by prior knowledge, which k6 cannot. vegeta has one connection for all.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from tests.benchmarks.peers import Command, Job
from tests.benchmarks.peers import k6 as k6_of_http1
from tests.benchmarks.peers import vegeta as vegeta_of_http1

__all__ = ["CLEAR", "OVER_TLS", "Http2Job"]

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Http2Job(Job):
    """Load on ``connections`` with ``streams`` on each, all in use all the time."""

    streams: int = 1

    @property
    def users(self) -> int:
        """How many requests are in flight."""
        return self.connections * self.streams


def h2load(job: Http2Job) -> list[str]:
    """C++, nghttp2."""
    command = ["h2load", "-t1", f"-c{job.connections}", f"-m{job.streams}", f"-D{job.seconds}"]
    return [*command, "-H", f"Content-Type: {_JSON}", "-d", job.write("h2load", job.body), job.url]


def benchlab(job: Http2Job) -> list[str]:
    """This project, by its command line."""
    command = [sys.executable, "-m", "benchlab", "run", job.url, "--no-save", "--warmup", "0s"]
    command += ["--http2", "--insecure", "-c", str(job.users), "--streams", str(job.streams)]
    command += ["--duration", f"{job.seconds}s"]
    return [*command, "-H", f"Content-Type:{_JSON}", "-d", job.body]


def oha(job: Http2Job) -> list[str]:
    """Rust, hyper."""
    command = ["oha", "--no-tui", "--output-format", "quiet", "--worker-threads", "1", "--http2"]
    command += ["-z", f"{job.seconds}s", "-c", str(job.connections), "-p", str(job.streams)]
    return [*command, "--insecure", "-m", "POST", "-T", _JSON, "-d", job.body, job.url]


def vegeta(job: Http2Job) -> list[str]:
    """Go, net/http; writes a record of every request."""
    command = vegeta_of_http1(_by_users(job))
    return [*command, "-h2c"] if job.url.startswith("http:") else [*command, "-insecure"]


def k6(job: Http2Job) -> list[str]:
    """Go, net/http, JavaScript; HTTP/2 where the handshake agrees on it."""
    return [*k6_of_http1(_by_users(job)), "--insecure-skip-tls-verify"]


def _by_users(job: Http2Job) -> Job:
    return replace(job, connections=job.users, streams=1)


CLEAR: tuple[Command, ...] = (h2load, benchlab, oha, vegeta)  # type: ignore[assignment]
"""Those that speak it in clear text; h2load first, for the others are compared with it."""

OVER_TLS: tuple[Command, ...] = (h2load, benchlab, oha, vegeta, k6)  # type: ignore[assignment]
"""Those that speak it over TLS."""
