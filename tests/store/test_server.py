from __future__ import annotations

import socket

import pytest

from benchlab.errors import StoreError
from benchlab.store import Store


def test_a_server_that_is_down_is_said_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        port = taken.getsockname()[1]
        store = Store(f"http://me:hunter2@127.0.0.1:{port}/lab")
        with pytest.raises(StoreError, match="cannot reach the store") as caught:
            store.runs()
    assert f"http://me:***@127.0.0.1:{port}/lab" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
