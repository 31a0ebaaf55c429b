"""Try the wheel as its users get it: each extra in an environment and a directory of its own.

It needs nothing but Python and the index, so that any Python can try it::

    python3.14 tests/wheel_trial.py dist/benchlab-0.1.0-py3-none-any.whl        # all of them
    python3.14 tests/wheel_trial.py dist/benchlab-0.1.0-py3-none-any.whl "" grpc

``""`` is the package without an extra. Each is used for what it is for; the exit code is 1 if one
of them does not work.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_PATIENCE_S = 120.0
_RUN = ("--requests", "50", "--warmup", "0")
_VALID = (0, 1)  # 1: the machine was too busy
_PROTO = """
syntax = "proto3";
package a;
message Text { string text = 1; }
service Echo { rpc Say(Text) returns (Text); }
"""
_ON_A_CLUSTER = """
import benchlab as bl
from distributed import LocalCluster

if __name__ == "__main__":
    request = bl.Request("GET", "{url}")
    plan = bl.Plan(request, bl.ConstantRate(50), duration_s=2, warmup_s=0)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        run = bl.run(plan, cluster=cluster.scheduler_address)
    assert len(run.samples) == 100, run
    assert len(run.hosts) == 2, run.hosts
"""


class Failure(Exception):
    """Something did not do what it should."""


class Trial:
    """An environment with one extra, and an empty directory to use it in."""

    def __init__(self, wheel: Path, extra: str, place: Path, url: str) -> None:
        self.url = url
        self.directory = place / "empty"
        self.directory.mkdir()
        self._bin = place / "env" / "bin"
        venv.create(place / "env", with_pip=shutil.which("uv") is None, symlinks=True)
        requirement = f"{wheel}[{extra}]" if extra else str(wheel)
        if uv := shutil.which("uv"):
            install = [uv, "pip", "install", "--quiet", "--python", str(self._bin / "python")]
        else:
            install = [str(self._bin / "python"), "-m", "pip", "install", "--quiet"]
        # Not what the checkout, or the user, has.
        hidden = ("PYTHONPATH", "VIRTUAL_ENV", "BENCHLAB_DSN", "BENCHLAB_DATA_DIR")
        self._variables = {k: v for k, v in os.environ.items() if k not in hidden}
        subprocess.run([*install, requirement], check=True, cwd=place, env=self._variables)
        self._variables["HOME"] = str(place)
        self._variables["PATH"] = f"{self._bin}{os.pathsep}{os.environ['PATH']}"

    def run(self, *command: str, codes: Sequence[int] = (0,)) -> str:
        """Run a program of the environment; what it printed, on both streams.

        Raises:
            Failure: its exit code is another.
        """
        done = subprocess.run(
            [str(self._bin / command[0]), *command[1:]],
            cwd=self.directory,
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=10 * _PATIENCE_S,
            check=False,
        )
        if done.returncode not in codes or "Traceback" in done.stdout:
            raise Failure(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def lacks(self, extra: str, *command: str) -> None:
        """Check that a command that needs another extra names it."""
        if f'pip install "benchlab[{extra}]"' not in (printed := self.run(*command, codes=(2,))):
            raise Failure(f"{' '.join(command)} does not name [{extra}]:\n{printed}")

    @contextmanager
    def service(self, *options: str) -> Iterator[str]:
        """The bundled service, once it responds; yields its URL."""
        port = free_port()
        command = [str(self._bin / "benchlab"), "target", "--port", str(port), *options]
        process = subprocess.Popen(command, cwd=self.directory, env=self._variables)
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


def without_extra(trial: Trial) -> None:
    """Measure, store and report; and name the extra that the rest needs."""
    measure_and_report(trial)
    trial.lacks("lab", "benchlab", "report", "01_benchmark")
    trial.lacks("target", "benchlab", "target")
    trial.lacks("grpc", "benchlab", "run", "grpc://127.0.0.1:1/a.Echo/Say", "--proto", "a.proto")


def measure_and_report(trial: Trial) -> None:
    """What every user does first."""
    trial.run("benchlab", "run", trial.url, *_RUN, codes=_VALID)
    for command in (["history"], ["show", "latest"], ["export", "latest", "-o", "run.csv"]):
        trial.run("benchlab", *command, codes=_VALID)
    trial.run("benchlab", "report", "latest", "-o", "page", codes=_VALID)
    if not (trial.directory / "page" / "report.html").is_file():
        raise Failure("no report was written")


def with_lab(trial: Trial) -> None:
    """A notebook, headless, against a service of somebody else; and JupyterLab itself."""
    notebook = ["report", "01_benchmark", "-p", "url", trial.url, "-p", "duration_s", "2"]
    trial.run("benchlab", *notebook, codes=_VALID)
    if not list(trial.directory.glob("reports/*/report.html")):
        raise Failure("the notebook wrote no report")
    trial.run("jupyter", "lab", "--version")


def with_target(trial: Trial) -> None:
    """The bundled service, measured."""
    with trial.service() as url:
        trial.run("benchlab", "run", f"{url}/health", *_RUN, codes=_VALID)


def with_grpc(trial: Trial) -> None:
    """A call of a .proto file, checked and encoded; nobody is there to take it."""
    (trial.directory / "a.proto").write_text(_PROTO)
    call = ["grpc://127.0.0.1:1/a.Echo/Say", "--proto", "a.proto", "-d", '{"text": "hello"}']
    trial.run("benchlab", "run", *call, "--dry-run")


def with_cluster(trial: Trial) -> None:
    """A run on two Dask workers of this machine."""
    script = trial.directory / "on_a_cluster.py"
    script.write_text(_ON_A_CLUSTER.format(url=trial.url))
    trial.run("python", str(script))


def with_all(trial: Trial) -> None:
    """The same, and what needs two extras at once."""
    for part in (measure_and_report, with_lab, with_grpc, with_cluster):
        part(trial)
    port = free_port()
    with trial.service("--grpc-port", str(port)) as url:
        trial.run("benchlab", "run", f"{url}/health", *_RUN, codes=_VALID)
        call = [f"grpc://127.0.0.1:{port}/benchlab.Vectors/Add", "-d", '{"a": [1], "b": [2]}']
        trial.run("benchlab", "run", *call, *_RUN, codes=_VALID)
    trial.run("benchlab", "report", "01_benchmark", "-p", "duration_s", "2", codes=_VALID)


TRIALS: dict[str, Callable[[Trial], None]] = {
    "": without_extra,
    "lab": with_lab,
    "target": with_target,
    "grpc": with_grpc,
    "cluster": with_cluster,
    "all": with_all,
}
"""By extra, what it has to do."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: a client may leave."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a response is one packet

    def do_GET(self) -> None:
        """Answer as any service does."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def small_service() -> Iterator[str]:
    """A service that is none of ours; yields its URL."""
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until ``url`` responds.

    Raises:
        Failure: it does not within two minutes, or the process has ended.
    """
    limit = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < limit:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise Failure(f"{url} does not respond")


def tried(wheel: Path, extra: str, url: str) -> bool:
    """Whether the wheel works with this extra; prints what was found."""
    version = ".".join(map(str, sys.version_info[:3]))
    name = f"Python {version}, benchlab[{extra}]" if extra else f"Python {version}, benchlab"
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="benchlab-trial-") as place:
        try:
            trial = Trial(wheel, extra, Path(place), url)
            printed = trial.run("benchlab", "--version")
            if wheel.name.split("-")[1] not in printed:
                raise Failure(f"benchlab --version prints {printed}")
            TRIALS[extra](trial)
        except (Failure, subprocess.SubprocessError) as exc:
            print(f"{name}: FAILED: {exc}", flush=True)
            return False
        files = [path for path in Path(place, "env").rglob("*") if path.is_file()]
        size_mb = sum(path.stat().st_size for path in files if path.suffix != ".pyc") / 1e6
        packages = len(list(Path(place, "env").rglob("*.dist-info")))
    took_s = time.monotonic() - started
    print(f"{name}: works; {packages} packages, {size_mb:,.0f} MB, {took_s:.0f} s", flush=True)
    return True


if __name__ == "__main__":
    wheel, *extras = sys.argv[1:]
    with small_service() as url:
        results = [tried(Path(wheel).resolve(), extra, url) for extra in extras or TRIALS]
    sys.exit(not all(results))
