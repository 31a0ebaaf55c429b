"""Other generators, and the commands that make each of them do the same.

A command makes a `Job`'s load from one core, as the tool's own manual has it: one thread where that
can be set, no live display, bodies not kept.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CLOSED", "CONSTANT", "ENVIRONMENT", "Command", "Job", "installed"]

ENVIRONMENT = {"GOMAXPROCS": "1", "TOKIO_WORKER_THREADS": "1", "K6_NO_USAGE_REPORT": "true"}
_JSON = "application/json"

SPARE = 4
"""How many times as many users as in a closed loop may come to the aid of a constant rate; without
a limit, some tools drown in connections once they are late."""


@dataclass(frozen=True, slots=True)
class Job:
    """Load for ``seconds`` on ``url``: a closed loop, or a constant ``rate_rps`` where there is
    one. With a ``body`` requests are POSTs of JSON. ``directory`` is for the tools' files."""

    url: str
    seconds: int
    directory: Path
    connections: int = 64
    rate_rps: int | None = None
    body: str = ""

    def write(self, name: str, text: str) -> str:
        """A file for the tool to read; its path."""
        path = self.directory / name
        path.write_text(text)
        return str(path)


def benchlab(job: Job) -> list[str]:
    """This project, by its command line."""
    command = [sys.executable, "-m", "benchlab", "run", job.url, "--no-save", "--warmup", "0s"]
    command += ["--duration", f"{job.seconds}s"]
    command += ["-c", str(job.connections)] if job.rate_rps is None else ["-r", str(job.rate_rps)]
    return [*command, "-H", f"Content-Type:{_JSON}", "-d", job.body] if job.body else command


def wrk(job: Job) -> list[str]:
    """C, epoll; closed loops only."""
    command = ["wrk", "-t1", f"-c{job.connections}", f"-d{job.seconds}s"]
    if job.body:
        script = f"wrk.method = 'POST'\nwrk.body = '{job.body}'\n"
        script += f"wrk.headers['Content-Type'] = '{_JSON}'\n"
        command += ["-s", job.write("post.lua", script)]
    return [*command, job.url]


def wrk2(job: Job) -> list[str]:
    """wrk with a rate for each connection."""
    return ["wrk2", f"-R{job.rate_rps}", *wrk(job)[1:]]


def hey(job: Job) -> list[str]:
    """Go, net/http."""
    command = ["hey", "-cpus", "1", "-z", f"{job.seconds}s", "-c", str(job.connections)]
    return [*command, *(["-m", "POST", "-T", _JSON, "-d", job.body] if job.body else []), job.url]


def oha(job: Job) -> list[str]:
    """Rust, hyper."""
    command = ["oha", "--no-tui", "--output-format", "quiet", "--worker-threads", "1"]
    command += ["-z", f"{job.seconds}s", "-c", str(job.connections)]
    if job.rate_rps is not None:
        command += ["-q", str(job.rate_rps)]
    return [*command, *(["-m", "POST", "-T", _JSON, "-d", job.body] if job.body else []), job.url]


def vegeta(job: Job) -> list[str]:
    """Go, net/http; writes a record of every request."""
    method = "POST" if job.body else "GET"
    target = f"{method} {job.url}\n"
    if job.body:
        target += f"Content-Type: {_JSON}\n@{job.write('vegeta-body.json', job.body)}\n"
    command = ["vegeta", "attack", "-targets", job.write("vegeta.txt", target), "-max-body", "0"]
    command += ["-duration", f"{job.seconds}s", "-output", str(job.directory / "vegeta.bin")]
    command += ["-workers", str(job.connections)]
    if job.rate_rps is None:
        return [*command, "-rate", "0", "-max-workers", str(job.connections)]
    command += ["-max-workers", str(SPARE * job.connections)]
    return [*command, "-rate", f"{job.rate_rps}/1s"]


def k6(job: Job) -> list[str]:
    """Go, net/http, JavaScript."""
    options = {"discardResponseBodies": True, "scenarios": {"all": _scenario(job)}}
    request = f"http.get({job.url!r})"
    if job.body:
        headers = json.dumps({"headers": {"Content-Type": _JSON}})
        request = f"http.post({job.url!r}, {job.body!r}, {headers})"
    script = (
        "import http from 'k6/http';\n"
        f"export const options = {json.dumps(options)};\n"
        f"export default function () {{ {request}; }}\n"
    )
    return ["k6", "run", "--quiet", "--no-color", job.write("k6.js", script)]


def k9(job: Job) -> list[str]:
    """Rust, driven by a plan in k6's terms; no Python runs during the test."""
    request: dict[str, object] = {"url": job.url}
    if job.body:
        request |= {"method": "POST", "headers": {"Content-Type": _JSON}, "body": job.body}
    plan = {
        "options": {"scenarios": {"all": _scenario(job)}},
        "flows": {"default": [{"request": request}]},
    }
    file = job.write("k9.json", json.dumps(plan))
    return ["k9", "run", "--quiet", "--no-color", "--discard-response-bodies", file]


def _scenario(job: Job) -> dict[str, object]:
    """k6's words for a job; a constant rate has as many users ready as a closed loop."""
    duration = f"{job.seconds}s"
    if job.rate_rps is None:
        return {"executor": "constant-vus", "vus": job.connections, "duration": duration}
    return {
        "executor": "constant-arrival-rate",
        "rate": job.rate_rps,
        "timeUnit": "1s",
        "duration": duration,
        "preAllocatedVUs": job.connections,
        "maxVUs": SPARE * job.connections,
    }


Command = Callable[[Job], list[str]]

CLOSED: tuple[Command, ...] = (wrk, benchlab, k9, oha, hey, k6, vegeta)
"""Those that make a closed loop; wrk first, for the others are compared with it."""

CONSTANT: tuple[Command, ...] = (benchlab, wrk2, oha, vegeta, k6, k9)
"""Those that keep a constant rate."""


def installed(peers: Iterable[Command]) -> dict[str, Command]:
    """Those that are on this machine, by name; says which are not."""
    found = {peer.__name__: peer for peer in peers}
    absent = [name for name in found if name != "benchlab" and shutil.which(name) is None]
    if absent:
        print(f"\nleft out, for they are not installed: {', '.join(absent)}", flush=True)
    return {name: peer for name, peer in found.items() if name not in absent}
