"""Facts about the machine: read from files, and None without them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from benchlab.load.supervisor import environment
from benchlab.load.supervisor.environment import capture_environment


def test_every_fact_is_captured() -> None:
    found = capture_environment()
    assert found["cpu_usable"] == len(os.sched_getaffinity(0)) <= found["cpu_count"]
    assert found["kernel"].startswith("Linux ")
    clock = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    assert found["clock_source"] == (clock.read_text().strip() if clock.exists() else None)
    assert len(found["load_average_before"]) == 3


def test_versions_are_those_that_python_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = capture_environment()["packages"]
    assert installed == {name: version(name) for name in ("benchlab", "uvloop", "httpx", "numpy")}
    for directory, number in (("first", "1.2"), ("second", "1.1")):
        (tmp_path / directory / f"httpx-{number}.dist-info").mkdir(parents=True)
    places = [str(tmp_path / name) for name in ("first", "second", "absent")]
    monkeypatch.setattr(sys, "path", places)
    alone = capture_environment()["packages"]
    assert alone == {"benchlab": None, "uvloop": None, "httpx": "1.2", "numpy": None}


def test_git_state_is_that_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    outside = capture_environment()
    assert (outside["git_commit"], outside["git_dirty"]) == (None, None)
    name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for command in (("init", "-q"), (*name, "commit", "-q", "--allow-empty", "-m", "x")):
        subprocess.run(["git", *command], check=True)
    clean = capture_environment()
    assert len(clean["git_commit"]) == 40
    assert clean["git_dirty"] is False
    (tmp_path / "new").write_text("")
    assert capture_environment()["git_dirty"] is True


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "max 100000"}, None),
        ({"quota": "50000", "period": "100000"}, 0.5),
        ({"quota": "-1", "period": "100000"}, None),
        ({}, None),
    ],
)
def test_the_quota_of_a_container_is_in_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], quota: float | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(environment, "_QUOTAS", (tmp_path / "cpu.max", tmp_path / "quota"))
    monkeypatch.setattr(environment, "_PERIOD", tmp_path / "period")
    assert capture_environment()["cpu_quota"] == quota


@pytest.mark.parametrize(
    ("flags", "container", "vendor", "expected"),
    [
        ("fpu tsc", False, None, None),
        ("fpu hypervisor", False, None, "virtual machine"),
        ("fpu hypervisor", False, "QEMU", "virtual machine (QEMU)"),
        ("fpu", True, None, "container (docker)"),
        ("fpu hypervisor", True, "QEMU", "container (docker) in a virtual machine (QEMU)"),
    ],
)
def test_virtualization_is_reported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: str,
    container: bool,
    vendor: str | None,
    expected: str | None,
) -> None:
    mark = tmp_path / ".dockerenv"
    (tmp_path / "cpuinfo").write_text(f"model name\t: Fast 9000\nflags\t\t: {flags}\n")
    if container:
        mark.write_text("")
    if vendor:
        (tmp_path / "sys_vendor").write_text(vendor)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(environment, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(environment, "_MACHINE", tmp_path)
    monkeypatch.setattr(environment, "_CONTAINERS", {str(mark): "docker"})
    found = capture_environment()
    assert found["virtualization"] == expected
    assert found["cpu_model"] == "Fast 9000"
