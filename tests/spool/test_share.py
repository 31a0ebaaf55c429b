"""The directory of a host's share: whose it is, and that it can be read like a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab import ConstantRate, Plan, Request, spool
from benchlab.errors import RunError
from benchlab.spool.share import find_share

PLAN = Plan(Request("GET", "http://127.0.0.1:1/?token=s3cret"), ConstantRate(10), workers=4)
RUN = "0123456789abcdef"


def head() -> bytes:
    """The parent's ``run.json``."""
    with spool.create(RUN, PLAN, {"host": "parent"}) as directory:
        found = (directory / spool.HEAD).read_bytes()
    spool.remove(directory)
    return found


def test_a_share_is_read_like_the_run(own_data: Path) -> None:
    share = spool.Share(RUN, 2, (1, 3), 4)
    with spool.create_share(share, head(), PLAN.to_dict()) as directory:
        assert directory == own_data / "shares" / "2" / RUN
        assert directory.stat().st_mode & 0o777 == 0o700
        assert spool.is_in_use(directory)
        assert spool.read_plan(directory) == PLAN
        spool.write_start(directory, 5)
        assert spool.read_head(directory).environment == {"host": "parent"}
        assert spool.read_started_at_ns(directory) == 5
    assert spool.read_share(directory) == share
    assert list(spool.shares()) == [directory]
    assert find_share(share) == directory
    assert not spool.is_in_use(directory)
    assert list(spool.runs()) == []  # benchlab recover on the host does not take it for a run
    spool.remove_share(directory)
    assert list(spool.shares()) == []
    assert not directory.parent.exists()
    with pytest.raises(RunError, match=f"host 2 in run {RUN} is gone"):
        find_share(share)


def test_hosts_may_share_a_disk() -> None:
    for host in (0, 1):
        with spool.create_share(spool.Share(RUN, host, (host,), 2), head(), PLAN.to_dict()):
            pass
    assert [spool.read_share(directory).host for directory in spool.shares()] == [0, 1]


def test_a_disk_that_cannot_be_written_is_named(own_data: Path) -> None:
    parents = head()
    (own_data / "shares").write_text("in the way")
    with (
        pytest.raises(RunError, match="BENCHLAB_DATA_DIR of the Dask worker"),
        spool.create_share(spool.Share(RUN, 0, (0,), 1), parents, PLAN.to_dict()),
    ):
        pass


def test_what_is_known_of_the_cluster_survives(tmp_path: Path) -> None:
    assert spool.read_cluster(tmp_path) is None
    found = spool.ClusterFile("tcp://10.0.0.1:8786", ("tcp://10.0.0.2:1",), (0, 2))
    spool.write_cluster(tmp_path, found)
    assert spool.read_cluster(tmp_path) == found
