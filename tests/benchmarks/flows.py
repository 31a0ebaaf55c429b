"""Generators whose users follow code, and the commands that make each of them do the same.

A flow has so many steps. A step is a small POST; of a flow of several steps each response is read
as JSON, and what it says is checked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BODY", "FLOWS", "Flow"]

BODY = json.dumps({"a": [1, 2], "b": [3, 4]})
_HEADERS = {"Content-Type": "application/json"}
_RESULT = [4, 6]


@dataclass(frozen=True, slots=True)
class Flow:
    """A closed loop of ``users`` that go through ``steps`` for ``seconds``.

    ``directory`` is for the generators' files.
    """

    url: str
    seconds: int
    directory: Path
    steps: int = 1
    users: int = 64

    @property
    def reads_json(self) -> bool:
        """Whether responses are parsed."""
        return self.steps > 1

    def write(self, name: str, text: str) -> str:
        """A file for a generator to read; its path."""
        path = self.directory / name
        path.write_text(text)
        return str(path)


def benchlab(flow: Flow) -> list[str]:
    """This project: a scenario with its own client."""
    check = "response.json()['result'] == RESULT" if flow.reads_json else "response.is_success"
    steps = "".join(
        f"    async with ctx.step('step {number}'):\n"
        f"        response = await client.post('/{number}', content=BODY, headers=HEADERS)\n"
        f"        assert {check}\n"
        for number in range(flow.steps)
    )
    text = f"BODY = {BODY!r}\nHEADERS = {_HEADERS!r}\nRESULT = {_RESULT!r}\n"
    file = flow.write("flow.py", f"{text}\nasync def flow(client, ctx):\n{steps}")
    command = [sys.executable, "-m", "benchlab", "run", flow.url, "--scenario", f"{file}:flow"]
    command += ["--no-save", "--warmup", "0s", "--duration", f"{flow.seconds}s"]
    return [*command, "-c", str(flow.users)]


def benchlab_with_httpx(flow: Flow) -> list[str]:
    """The same with httpx's own client."""
    return [*benchlab(flow), "--driver", "httpx"]


def locust(flow: Flow) -> list[str]:
    """Python, gevent, geventhttpclient."""
    check = "        assert response.json()['result'] == RESULT\n" if flow.reads_json else ""
    steps = "".join(
        f"        response = self.client.post('/{number}', data=BODY, headers=HEADERS)\n{check}"
        for number in range(flow.steps)
    )
    text = f"BODY = {BODY!r}\nHEADERS = {_HEADERS!r}\nRESULT = {_RESULT!r}\n"
    file = flow.write(
        "locustfile.py",
        f"from locust import FastHttpUser, task\n{text}\n"
        f"class User(FastHttpUser):\n    @task\n    def flow(self):\n{steps}",
    )
    command = ["locust", "-f", file, "--headless", "--only-summary", "--host", flow.url[:-1]]
    command += ["--users", str(flow.users), "--spawn-rate", str(flow.users)]
    return [*command, "--run-time", f"{flow.seconds}s", "--loglevel", "ERROR"]


def k6(flow: Flow) -> list[str]:
    """Go, net/http, JavaScript."""
    options = {
        "discardResponseBodies": not flow.reads_json,
        "vus": flow.users,
        "duration": f"{flow.seconds}s",
    }
    headers = json.dumps({"headers": _HEADERS})
    check = "  if (response.json().result[0] !== 4) fail('wrong');\n" if flow.reads_json else ""
    steps = "".join(
        f"  response = http.post('{flow.url}{number}', {BODY!r}, {headers});\n{check}"
        for number in range(flow.steps)
    )
    script = (
        "import http from 'k6/http';\nimport { fail } from 'k6';\n"
        f"export const options = {json.dumps(options)};\n"
        f"export default function () {{\n  let response;\n{steps}}}\n"
    )
    return ["k6", "run", "--quiet", "--no-color", flow.write("flow.js", script)]


def k9(flow: Flow) -> list[str]:
    """Rust, with users in Python."""
    check = "    assert response.json()['result'] == RESULT\n" if flow.reads_json else ""
    steps = "".join(
        f"    response = await k9.http.post('{flow.url}{number}', data=BODY, headers=HEADERS)\n"
        f"{check}"
        for number in range(flow.steps)
    )
    text = f"BODY = {BODY!r}\nHEADERS = {_HEADERS!r}\nRESULT = {_RESULT!r}\n"
    options = {"vus": flow.users, "duration": f"{flow.seconds}s"}
    file = flow.write(
        "k9_flow.py",
        f"import k9\n\noptions = {options!r}\n{text}\nasync def default():\n{steps}",
    )
    return ["k9", "run", "--quiet", "--no-color", file]


FLOWS: tuple[Callable[[Flow], list[str]], ...] = (benchlab, benchlab_with_httpx, locust, k6, k9)
"""Those that can follow a flow."""
