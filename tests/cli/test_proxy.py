"""``benchlab proxy`` as people use it."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys

import pytest

from benchlab.plan.faults import Fault
from tests.cli.in_process import Benchlab
from tests.load.servers import always, ok, serving


def test_it_passes_requests_on_until_ctrl_c_and_says_which_faults_are_on() -> None:
    with serving(always(ok(b"there"))) as url:
        jitter = Fault.parse("jitter 1ms for 1ms")
        faults = ("--fault", "delay 1ms", "--fault", str(jitter))
        process = subprocess.Popen(
            [sys.executable, "-m", "benchlab", "proxy", url, *faults],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        try:
            lines = [process.stderr.readline() for _ in range(5)]
            address = lines[0].split(" at ")[1].split()[0]
            assert address.startswith("127.0.0.1:")
            assert lines[1].rstrip().endswith(f"={address}")
            assert lines[2:] == [
                "on   delay 1ms\n",
                f"on   {jitter}\n",
                f"off  {jitter}\n",
            ]
            client = http.client.HTTPConnection(address, timeout=60)
            client.request("GET", "/")
            assert client.getresponse().read() == b"there"
            client.close()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["http://127.0.0.1:1", "--fault", "latency 4ms"], "latency 4ms"),
        (["http://127.0.0.1:1", "--fault", "dely 4ms"], "did you mean delay"),
        (["http://127.0.0.1:1", "--fault", "delay 4ms service=http://a:80"], "service=http://a:80"),
        (["ftp://127.0.0.1:1"], "ftp"),
    ],
)
def test_what_it_cannot_use_is_named(
    benchlab_here: Benchlab, arguments: list[str], reason: str
) -> None:
    result = benchlab_here("proxy", *arguments)
    assert result.returncode == 2
    assert reason in result.stderr
