"""Whether hosts may have networks and clocks of their own here, and clusters of such hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.cluster.link import CUT, HEAL
from tests.cluster.local import Cluster, ForkServer, Part

__all__ = ["Link", "far_cluster", "need_namespaces"]

_FIRST_ADDRESS = int.from_bytes(bytes([198, 18, 0, 0]), "big")
"""Of 198.18.0.0/15, which RFC 2544 sets apart for measuring networks: nobody else has it."""

_TRY = """
import os
from tests.cluster.fork_server import *
unshare(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWTIME)
os.close(os.open("/dev/net/tun", os.O_RDWR))
"""


@cache
def _missing() -> str:
    """Why namespaces cannot be made here; empty if they can."""
    tried = subprocess.run(
        [sys.executable, "-c", _TRY],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        return f"a process may not make namespaces here: {tried.stderr.splitlines()[-1]}"
    try:
        subprocess.run(["ip", "-Version"], capture_output=True, check=True)
    except OSError:
        return "the program ip is not installed (iproute2)"
    return ""


def need_namespaces() -> None:
    """Skip where hosts cannot have a network of their own: no package gives that permission."""
    if reason := _missing():
        pytest.skip(reason)


@dataclass
class Link:
    """A host's link to this machine: ``outer`` is this machine's address on it."""

    part: Part
    outer: str
    inner: str

    def cut(self) -> None:
        """Let it lose all packets from now on."""
        self.part.send(CUT)

    def heal(self) -> None:
        """Let it pass packets on again."""
        self.part.send(HEAL)


@contextmanager
def far_cluster(
    forks: ForkServer,
    directory: Path,
    delays_s: Sequence[tuple[float, float]],
    clocks_s: Sequence[int],
) -> Iterator[tuple[Cluster, list[Link]]]:
    """A cluster whose hosts are behind links, and their clocks ahead of this machine's.

    The scheduler is at the outer address of the first link, where services have to be too.
    """
    links: list[Link] = []
    cluster = Cluster(forks, directory)
    try:
        for number, (there_s, back_s) in enumerate(delays_s):
            links.append(_linked(forks, directory, number, there_s, back_s))
        cluster.host_address = links[0].outer
        cluster.start_scheduler()
        hosts = [
            cluster.start_host(
                number, address=link.inner, network=link.part, clock_s=clocks_s[number]
            )
            for number, link in enumerate(links)
        ]
        for host in hosts:
            host.address = host.hear()
        yield cluster, links
    finally:
        cluster.close()
        for link in links:
            link.part.kill()


def _linked(forks: ForkServer, directory: Path, number: int, there_s: float, back_s: float) -> Link:
    first = _FIRST_ADDRESS + 4 * (os.getpid() * 8 % 2**15 + number)
    outer, inner = (
        ".".join(str(byte) for byte in (first + index).to_bytes(4, "big")) for index in (1, 2)
    )
    name = f"link-{number}"
    part = forks.fork(
        name,
        "tests.cluster.link:link",
        {"outer": outer, "inner": inner, "there_s": there_s, "back_s": back_s},
        directory / f"{name}.log",
    )
    assert part.hear() == "linked"
    return Link(part, outer, inner)
