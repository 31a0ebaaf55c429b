"""The front as a process of its own: started, asked to fail, killed, started again."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

__all__ = ["Fault", "Front", "start_front"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next ``times`` queries in which ``match`` (a regular expression) is
    found, once it was found ``skip`` times.

    ``lose`` carries the query out and closes the connection instead of responding; ``refuse``
    closes it before that; ``kill`` and ``kill_after`` end the whole process before and after.
    """

    match: str
    do: Literal["error", "delay", "refuse", "lose", "kill", "kill_after"]
    times: int = 1
    skip: int = 0
    code: int = 243
    name: str = "NOT_ENOUGH_SPACE"
    message: str = "Cannot reserve 1.00 MiB, not enough space"
    seconds: float = 0.0


@dataclass
class Front:
    """A running front, or one that was killed; `start` runs it again on the same port."""

    directory: Path
    arguments: Sequence[str] = ()
    url: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return urlsplit(self.url).port or 0

    def dsn(self, database: str = "default", login: str = "", options: str = "") -> str:
        """A DSN of one database here, for ``login`` (``user:password``)."""
        at = f"{login}@" if login else ""
        return f"http://{at}127.0.0.1:{self.port}/{database}{options}"

    def start(self) -> None:
        """Run it, and wait until it responds."""
        command = [sys.executable, "-m", "tests.clickhouse_front", str(self.directory)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *self.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, "the front did not start"

    def stop(self) -> None:
        """Let it close its engine and end."""
        if self.process is not None:
            with self.process:  # closes its standard input, which ends it, and waits
                pass
            self.process = None

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        if self.process is not None:
            self.process.kill()
            self.stop()

    def wait(self) -> int:
        """Its exit code, once a fault has ended it."""
        assert self.process is not None
        code = self.process.wait()
        self.stop()
        return code

    def fail(self, *faults: Fault) -> None:
        """Replace the configured faults by these."""
        body = json.dumps([asdict(fault) for fault in faults]).encode()
        request = urllib.request.Request(f"{self.url}/front/faults", data=body)
        with urllib.request.urlopen(request):
            pass

    def query(self, sql: str) -> str:
        """The response to ``sql`` as tab-separated text."""
        request = urllib.request.Request(self.url, data=sql.encode())
        with urllib.request.urlopen(request) as response:
            text: str = response.read().decode()
            return text


@contextmanager
def start_front(
    directory: Path, users: Sequence[str] = (), readers: Sequence[str] = ()
) -> Iterator[Front]:
    """A front over the engine's data in ``directory``, stopped at the end of the block.

    Its user ``default`` has no password; ``users`` and ``readers`` (``name:password``) are more,
    the latter read-only.
    """
    arguments = [f"--user={user}" for user in users] + [f"--reader={user}" for user in readers]
    front = Front(directory, arguments)
    front.start()
    try:
        yield front
    finally:
        front.stop()
