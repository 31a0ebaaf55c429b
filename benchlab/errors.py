"""Every error benchlab raises on purpose, as one tree.

    BenchlabError
    ├── InputError              what the user wrote cannot be used (exit code 2)
    │   ├── RunNotFoundError    no stored run has this id
    │   └── MissingPackageError an optional package is not installed
    ├── RunError                the run could not be made or did not finish (exit code 1)
    │   ├── TargetError         the service under test cannot be reached
    │   └── WorkerError         a worker process failed
    ├── InvalidRunError         analysis refuses a run whose verdict is not "valid" (exit code 1)
    └── StoreError              the store cannot be opened, read or written (exit code 1)
        ├── StoreBusyError      another process kept the embedded store for too long
        ├── StoreUnavailableError  the store is down, slow or full: the same may work later
        └── SchemaError         the store was written by a newer benchlab

A message says what was wrong, with the value, and what to do about it. Foreign exceptions are
mapped to these where they arise, with ``raise … from exc``.
"""

from __future__ import annotations

__all__ = [
    "BenchlabError",
    "InputError",
    "InvalidRunError",
    "MissingPackageError",
    "RunError",
    "RunNotFoundError",
    "SchemaError",
    "StoreBusyError",
    "StoreError",
    "StoreUnavailableError",
    "TargetError",
    "WorkerError",
    "causes_of",
]


class BenchlabError(Exception):
    """Base of all errors raised by benchlab. ``exit_code`` is what the command line returns."""

    exit_code = 1


class InputError(BenchlabError, ValueError):
    """A value given by the user cannot be used; the message names it and the remedy."""

    exit_code = 2


class RunNotFoundError(InputError):
    """No stored run has the id that was asked for."""


class MissingPackageError(InputError):
    """An optional package is needed for this and not installed; the message has the pip command."""


class RunError(BenchlabError):
    """The run could not be started, or ended before it had measured anything."""


class TargetError(RunError):
    """The service under test cannot be reached."""


class WorkerError(RunError):
    """A worker process failed before it could measure."""


class InvalidRunError(BenchlabError):
    """Analysis was asked to draw a conclusion from a run that does not support one."""


class StoreError(BenchlabError):
    """The store cannot be opened, read or written."""


class StoreBusyError(StoreError):
    """Another process holds the embedded store; waiting for it was given up."""


class StoreUnavailableError(StoreError):
    """The store does not answer or has no room. Nothing is wrong with what was asked of it."""


class SchemaError(StoreError):
    """The store was written by a newer benchlab than this one."""


def causes_of(exc: BaseException) -> list[BaseException]:
    """``exc`` and the exceptions behind it, outermost first.

    Some libraries keep the cause in an attribute ``reason`` (urllib3), and it goes before Python's
    own chain.
    """
    causes: list[BaseException] = []
    cause: BaseException | None = exc
    while cause is not None and cause not in causes:
        causes.append(cause)
        reason = getattr(cause, "reason", None)
        chained = cause.__cause__ or cause.__context__
        cause = reason if isinstance(reason, BaseException) else chained
    return causes
