"""A network of its own for a host, and the link to it: with a delay, and it can be cut.

The link is a process that moves packets between two TUN devices, one outside and one in a network
namespace of its own. That takes no kernel module (`tc netem` is one, and often missing), and as the
namespace and both devices belong to the process, nothing is left when it ends, however it does.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Callable

from tests.cluster.fork_server import CLONE_NEWNET, join_namespace, namespace, unshare

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_MOST_BYTES = 65536

CUT, HEAL = signal.SIGUSR1, signal.SIGUSR2
"""Signals to a link: it loses every packet, and passes them on again."""


def link(
    say: Callable[[object], None], *, outer: str, inner: str, there_s: float, back_s: float
) -> None:
    """Link this network to a new one: address ``outer`` here, ``inner`` there.

    A packet takes ``there_s`` to the new network and ``back_s`` back.
    """
    here = namespace("net")
    unshare(CLONE_NEWNET)
    there = namespace("net")
    devices = [_device("far"), -1]
    _ip("link set lo up")
    _ip(f"address add {inner} peer {outer} dev far")
    _ip("link set far up")
    _ip(f"route add default via {outer} dev far")
    join_namespace(here, CLONE_NEWNET)
    name = f"bl{os.getpid()}"
    devices[1] = _device(name)
    _ip(f"address add {outer} peer {inner} dev {name}")
    _ip(f"link set {name} up")
    join_namespace(there, CLONE_NEWNET)  # where others find it, by the id of this process
    switch = Switch()
    say("linked")
    _pass_on(devices, (back_s, there_s), switch)


class Switch:
    """Whether the link is cut, as signals say."""

    def __init__(self) -> None:
        self.is_cut = False
        for number in (CUT, HEAL):
            signal.signal(number, self._turn)

    def _turn(self, number: int, _frame: object) -> None:
        self.is_cut = number == CUT


def _pass_on(devices: list[int], delays_s: tuple[float, float], switch: Switch) -> None:
    """Pass packets on from either device to the other, for ever."""
    waiting: list[tuple[float, int, int, bytes]] = []
    count = 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, to, packet = heapq.heappop(waiting)
            os.write(devices[to], packet)
        due_s = max(0.0, waiting[0][0] - now) if waiting else None
        readable, _, _ = select.select(devices, (), (), due_s)
        for device in readable:
            packet = os.read(device, _MOST_BYTES)
            if switch.is_cut:
                continue
            count += 1
            side = devices.index(device)
            heapq.heappush(waiting, (time.monotonic() + delays_s[side], count, 1 - side, packet))


def _device(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    request = struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI)
    fcntl.ioctl(device, _TUNSETIFF, request)
    return device


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True)
