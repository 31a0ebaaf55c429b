"""Responses in bytes with a verdict each, by the rules of RFC 9110 and RFC 9112."""

from __future__ import annotations

from tests.load.drivers.corpus import chunks, connections, heads, lengths
from tests.load.drivers.corpus.case import Case, Verdict

__all__ = ["CASES", "Case", "Verdict"]

CASES = [*chunks.CASES, *lengths.CASES, *heads.CASES, *connections.CASES]
