"""Exported streams that are damaged are refused."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest

from benchlab.errors import DamagedError
from benchlab.exchange.own.head import decode_head, encode_head
from benchlab.samples.streams import GAP_BUCKETS, GAP_DTYPE
from tests.runs.streaming import streaming_run


@pytest.fixture
def head() -> dict[str, Any]:
    written: dict[str, Any] = json.loads(encode_head(streaming_run(), 1))
    return written


def packed(records: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(records.tobytes())).decode()


def test_they_come_back(head: dict[str, Any]) -> None:
    read, _ = decode_head(json.dumps(head), "it")
    assert read.streams == streaming_run().streams
    assert read.events == streaming_run().events


def test_buckets_that_there_are_not(head: dict[str, Any]) -> None:
    gaps = np.frombuffer(
        zlib.decompress(base64.b64decode(head["streams"]["gaps"]["zlib_base64"])), dtype=GAP_DTYPE
    ).copy()
    gaps["bucket"][0] = GAP_BUCKETS
    head["streams"]["gaps"]["zlib_base64"] = packed(gaps)
    with pytest.raises(DamagedError, match=f"bucket {GAP_BUCKETS} of {GAP_BUCKETS}"):
        decode_head(json.dumps(head), "it")
    head["streams"]["gaps"]["zlib_base64"] = packed(gaps[1:])
    with pytest.raises(DamagedError, match="buckets of gaps, not"):
        decode_head(json.dumps(head), "it")


def test_other_columns(head: dict[str, Any]) -> None:
    head["events"]["columns"] = [["seq", "<i8"]]
    with pytest.raises(DamagedError, match="columns"):
        decode_head(json.dumps(head), "it")
