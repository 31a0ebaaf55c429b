"""Failing on demand, so that tests can see what a client makes of it."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from typing import Any

from tests.clickhouse_front.engine import EngineError

__all__ = ["Faults", "LostResponseError"]


class LostResponseError(Exception):
    """The connection is to be closed without a response."""


class Faults:
    """The rules in force, and how often each has matched. See `process.Fault`."""

    def __init__(self) -> None:
        self._rules: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def set(self, rules: list[dict[str, Any]]) -> None:
        """Follow these and forget the others."""
        with self._lock:
            self._rules = rules

    def meet(self, sql: bytes) -> dict[str, Any] | None:
        """The rule that this query falls under."""
        head = sql[:2000].decode(errors="replace")
        with self._lock:
            for rule in self._rules:
                if not re.search(rule["match"], head):
                    continue
                if rule["skip"] > 0:
                    rule["skip"] -= 1
                elif rule["times"] > 0:
                    rule["times"] -= 1
                    return rule
        return None

    @staticmethod
    def before(rule: dict[str, Any]) -> None:
        """Act before the query is carried out.

        Raises:
            EngineError: the rule is an error.
            LostResponseError: the rule refuses.
        """
        if rule["do"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if rule["do"] == "refuse":
            raise LostResponseError
        if rule["do"] == "delay":
            time.sleep(rule["seconds"])
        if rule["do"] == "error":
            raise EngineError(
                f"Code: {rule['code']}. DB::Exception: {rule['message']}. ({rule['name']})"
            )

    @staticmethod
    def after(rule: dict[str, Any]) -> None:
        """Act when it was carried out and not yet responded to.

        Raises:
            LostResponseError: the rule loses the response.
        """
        if rule["do"] == "kill_after":
            os.kill(os.getpid(), signal.SIGKILL)
        if rule["do"] == "lose":
            raise LostResponseError
