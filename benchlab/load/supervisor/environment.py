"""Capture facts about the machine and the software of a run."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["capture_environment"]

_PACKAGES = ("benchlab", "uvloop", "httpx", "numpy")
_CPUINFO = Path("/proc/cpuinfo")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_CLOCK = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
_MACHINE = Path("/sys/class/dmi/id")
_QUOTAS = (Path("/sys/fs/cgroup/cpu.max"), Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"))
_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
_OID = "# branch.oid "
_CONTAINERS = {"/.dockerenv": "docker", "/run/.containerenv": "podman"}


def capture_environment() -> dict[str, Any]:
    """Host, processor, system, load average, versions and git state; None for unknown values.

    ``cpu_usable`` is the number of cores this process may use, ``cpu_quota`` the number its
    container may keep busy, ``clock_source`` the kernel's source of time. The git state is that of
    the working directory: usually of the measured service, not of benchlab.
    """
    git_commit, git_dirty = _git_state()
    return {
        "host": socket.gethostname(),
        "cpu_model": _cpu_model(),
        "cpu_count": os.cpu_count(),
        "cpu_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "cpu_quota": _cpu_quota(),
        "cpu_governor": _read(_GOVERNOR),
        "virtualization": _virtualization(),
        "memory_bytes": _memory_bytes(),
        "load_average_before": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "clock_source": _read(_CLOCK),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": _versions(),
        "git_commit": git_commit,
        "git_dirty": git_dirty,
    }


def _cpu_model() -> str | None:
    for line in (_read(_CPUINFO) or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or None


def _cpu_quota() -> float | None:
    """Number of cores that the control group may keep busy; None without a limit."""
    for path in _QUOTAS:
        fields = (_read(path) or "").split()
        if len(fields) == 1:  # version 1 of control groups has the period in another file
            fields += (_read(_PERIOD) or "").split()
        if len(fields) == 2 and fields[0].isdigit():
            return int(fields[0]) / int(fields[1])
    return None


def _virtualization() -> str | None:
    """The container or virtual machine we run in, judging by well-known files; None for neither."""
    found = [f"container ({name})" for path, name in _CONTAINERS.items() if Path(path).exists()]
    if not found and "KUBERNETES_SERVICE_HOST" in os.environ:
        found.append("container (kubernetes)")
    flags = [line for line in (_read(_CPUINFO) or "").splitlines() if line.startswith("flags")]
    if flags and "hypervisor" in flags[0].split():
        names = [_read(_MACHINE / name) for name in ("sys_vendor", "product_name")]
        known = " ".join(name for name in names if name)
        found.append(f"virtual machine ({known})" if known else "virtual machine")
    return " in a ".join(found) or None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _versions() -> dict[str, str | None]:
    """The versions of installed packages; None for those that are not.

    They are in the names of the directories of metadata, ``httpx-0.28.1.dist-info``: what is in
    them costs a run of one request 20 ms to read with `importlib.metadata`.
    """
    found: dict[str, str | None] = dict.fromkeys(_PACKAGES)
    for place in reversed(sys.path):  # Python imports from the first that has a package
        names: list[str] = []
        with suppress(OSError):  # a zip file, or a directory that does not exist
            names = os.listdir(place or ".")
        for name in names:
            package, _, version = name.removesuffix(".dist-info").partition("-")
            if package in found and name.endswith(".dist-info"):
                found[package] = version
    return found


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _git_state() -> tuple[str | None, bool | None]:
    """The commit that is checked out, and True if files differ from it; None outside of git."""
    command = ["git", "status", "--porcelain=v2", "--branch"]
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, None
    if done.returncode:
        return None, None
    lines = done.stdout.splitlines()
    heads = [line.removeprefix(_OID) for line in lines if line.startswith(_OID)]
    commit = heads[0] if heads and heads[0] != "(initial)" else None
    return commit, any(not line.startswith("#") for line in lines)
