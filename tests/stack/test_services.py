"""The containers' own commands, run here from what their images hold."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import yaml

from benchlab.store import Store
from benchlab.store.schema import migrate
from tests.clickhouse_front import Front
from tests.stores import new_database
from tests.target.server import ADD, environment
from tests.wheel import build_wheel

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "target/Dockerfile"
LAB = ROOT / ".docker/lab.Dockerfile"
_PATIENCE_S = 60.0


def command(dockerfile: Path, port: int) -> list[str]:
    """The image's command, on this machine's loopback and a port of ours; nothing else differs."""
    (command,) = re.findall(r"^CMD (\[.*\])$", dockerfile.read_text(), re.MULTILINE)
    (exposed,) = re.findall(r"^EXPOSE (\d+)", dockerfile.read_text(), re.MULTILINE)
    assert "0.0.0.0" in command
    program, *rest = json.loads(command.replace("0.0.0.0", "127.0.0.1").replace(exposed, str(port)))
    found = shutil.which(program, path=Path(sys.executable).parent)
    assert found is not None
    # The image has a user of its own; who tests need not.
    as_root = ["--allow-root"] if program == "jupyter" and os.getuid() == 0 else []
    return [found, *rest, *as_root]


def health_check(dockerfile: Path, port: int) -> list[str]:
    """The command by which Docker checks the container's health."""
    (command,) = re.findall(
        r"^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$", dockerfile.read_text(), re.MULTILINE
    )
    program, *rest = json.loads(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", command))
    assert program == "python"
    return [sys.executable, *rest]


@contextmanager
def running(dockerfile: Path, directory: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """The service as its container runs it, once it is healthy; ends as Docker ends it.

    Yields its URL.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {**environment(), "HOME": str(directory), "PYTHONPATH": "", **variables}
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(dockerfile, port), cwd=directory, env=variables, stdout=output, stderr=output
        )
    try:
        limit = time.monotonic() + _PATIENCE_S
        while subprocess.run(
            health_check(dockerfile, port), capture_output=True, check=False
        ).returncode:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < limit, log.read_text()
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        assert process.wait(_PATIENCE_S) in (0, -15), log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_the_target_serves_by_its_images_command(tmp_path: Path) -> None:
    copied = re.findall(r"^COPY (\S+) (\S+)$", TARGET.read_text(), re.MULTILINE)
    for source, place in copied:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / place, dirs_exist_ok=True)
        else:
            shutil.copyfile(ROOT / source, tmp_path / place)
    variables = {"PYTHONDONTWRITEBYTECODE": "1", "BENCHLAB_TARGET_GRPC": "127.0.0.1:0"}
    with running(TARGET, tmp_path, variables) as url:
        response = httpx.post(url + ADD, json={"a": [1, 2], "b": [3, 4]})
        assert response.json() == {"result": [4, 6]}
    log = (tmp_path / "log").read_text()
    assert "Finished server process" in log
    assert ADD not in log, "a line per request costs more than the request"


def test_the_lab_opens_the_notebooks_by_its_images_command(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    token = "value-of-jupyter-token"
    with running(LAB, tmp_path, {"JUPYTER_TOKEN": token}) as url:
        contents = f"{url}/api/contents/notebooks"
        assert httpx.get(contents).status_code == 403
        assert httpx.get(contents, params={"token": "another"}).status_code == 403
        response = httpx.get(contents, params={"token": token})
        names = {entry["name"] for entry in response.json()["content"]}
        assert "01_benchmark.ipynb" in names
        kernels = httpx.get(f"{url}/api/kernelspecs", params={"token": token}).json()
        assert "python3" in kernels["kernelspecs"]


def test_the_migrate_services_command_creates_the_schema(front: Front, tmp_path: Path) -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["schema"]
    assert service["read_only"] is True
    program, *arguments = service["command"]
    found = shutil.which(program, path=Path(sys.executable).parent)
    assert found is not None
    with new_database(front) as dsn:
        # Its file system is read-only, so it has no home to write to.
        variables = {**os.environ, "BENCHLAB_DSN": dsn, "HOME": "/proc/nope"}
        variables["BENCHLAB_DATA_DIR"] = ""
        done = subprocess.run(
            [found, *arguments],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith(f": schema none, now {migrate.latest_version()}\n")
        assert Store(dsn).migrate() == (migrate.latest_version(),) * 2


def context() -> list[Path]:
    """The files that Docker is given to build images from, by .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")

    def taken(name: str) -> bool:
        inside = False
        for rule in rules:  # the last that fits decides
            pattern = rule.lstrip("!").rstrip("/").replace("**/", "*")
            if fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name, f"{pattern}/*"):
                inside = rule.startswith("!")
        return inside

    return [Path(name) for name in listed if name and taken(name)]


def test_the_lab_image_gets_everything_that_installing_needs(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for path in context():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, source / path)
    assert not list(source.glob(".env*"))
    with zipfile.ZipFile(build_wheel(source, tmp_path)) as archive:
        names = archive.namelist()
    assert "benchlab/store/schema/migrations/0001_runs.sql" in names
    assert any(name.endswith("01_benchmark.ipynb") for name in names)


def test_the_engine_accepts_the_grants_of_the_read_only_user(own_data: Path) -> None:
    root = ET.fromstring((ROOT / "otel/clickhouse/grafana-user.xml").read_text())
    (profile,) = root.findall("profiles/*")
    settings = {entry.tag for entry in profile if entry.tag != "constraints"}
    settings |= {entry.tag for entry in profile.findall("constraints/*")}
    store = Store()
    known = store.query_df(
        "SELECT name FROM system.settings WHERE name IN {names:Array(String)}",
        {"names": sorted(settings)},
    )
    assert set(known["name"]) == settings
    for grant in root.findall("users/*/grants/query"):
        # The embedded engine makes no users, but it reads what they are granted.
        read = store.query_df(
            "SELECT formatQuerySingleLine({grant:String}) AS text", {"grant": f"{grant.text} TO x"}
        )
        assert read["text"][0] == f"{grant.text} TO x"
