"""Every error benchlab raises on purpose, as one tree.

    BenchlabError
    ├── InputError              what the user wrote cannot be used (exit code 2)
    │   ├── DamagedError        what was written earlier is damaged, or from someone else
    │   ├── RunNotFoundError    no stored run has this id
    │   └── MissingPackageError an extra of benchlab is not installed
    ├── RunError                the run could not be made or did not finish (exit code 1)
    │   ├── TargetError         the service under test cannot be reached
    │   ├── FaultError          a fault cannot be set or lifted
    │   ├── OutputError         a result cannot be written: no permission, no space
    │   └── WorkerError         a worker process failed
    ├── InvalidRunError         analysis refuses a run whose verdict is not "valid" (exit code 1)
    └── StoreError              the store cannot be opened, read or written (exit code 4)
        ├── StoreBusyError      another process held the embedded store for too long
        ├── StoreUnavailableError  the store is down, slow or full: the same may work later
        └── SchemaError         the store was written by a newer benchlab

A message says what was wrong, with the value, and what to do about it. It is for people: programs
read the attributes it is made of. Foreign exceptions are mapped to these where they arise, with
``raise … from exc``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Self

from benchlab.ipython import running_shell

__all__ = [
    "WRONG_CONTENT",
    "BenchlabError",
    "DamagedError",
    "FaultError",
    "InputError",
    "InvalidRunError",
    "LeftRunning",
    "MissingPackageError",
    "OutputError",
    "RunError",
    "RunNotFoundError",
    "SchemaError",
    "Stopped",
    "StoreBusyError",
    "StoreError",
    "StoreUnavailableError",
    "TargetError",
    "WorkerError",
    "causes_of",
    "error_from_data",
    "error_to_data",
]

WRONG_CONTENT = (
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    AttributeError,
    RecursionError,  # JSON of absurd depth
)
"""Exceptions raised by malformed input."""


_LONGEST, _LONGEST_VALUE = 400, 60  # characters of foreign text in a message


class Stopped(KeyboardInterrupt):
    """A signal ends this process as Ctrl-C would; ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class LeftRunning(KeyboardInterrupt):
    """Waiting for a run was interrupted, and the run goes on; the message says how to end it."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [str(self)]


class BenchlabError(Exception):
    """Base of all errors raised by benchlab. ``exit_code`` is what the command line returns."""

    exit_code = 1

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        """``problem`` says what is wrong, ``remedy`` what to do about it."""
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}" if self.remedy else self.problem

    def to_dict(self) -> dict[str, Any]:
        """The arguments that make this error again."""
        return {"problem": self.problem, "remedy": self.remedy}

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the error, and the line of the user's code.

        That is while it is handled, at the end of the cell. Asked for later, as by ``%tb``, it is
        the whole traceback.
        """
        if sys.exc_info()[1] is not self:
            return _whole_traceback(self)
        # One string: IPython joins several by a line break or by nothing, depending on %xmode.
        return ["\n".join([f"{type(self).__name__}: {self}", *_calling_line(self)])]


class InputError(BenchlabError, ValueError):
    """A value given by the user cannot be used; the message names it and the remedy.

    ``field`` is the setting that it was given for, as `Plan` and its parts call it, and ``value``
    what was given (``...`` if it is not carried: it may be secret, or long). ``where`` says which
    part of the input the setting belongs to, such as ``request 2 of plan.toml``.
    """

    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        field: str = "",
        value: object = ...,
        remedy: str = "",
        where: str = "",
    ) -> None:
        """Without a ``field``, ``problem`` has the value in it."""
        super().__init__(problem, remedy=remedy)
        self.field = field
        self.value = value
        self.where = where

    def __str__(self) -> str:
        return self.naming(self.field)

    def naming(self, name: str) -> str:
        """The message, with ``name`` for the field."""
        text = _named(super().__str__(), name, self.value)
        return f"{self.where}: {text}" if self.where else text

    def of(self, field: str) -> Self:
        """The same error about a setting that is called ``field`` where the value came from."""
        return type(self)(**{**self.to_dict(), "field": field})

    def within(self, where: str) -> Self:
        """The same error, located in a part of the input."""
        whole = f"{where}: {self.where}" if self.where else where
        return type(self)(**{**self.to_dict(), "where": whole})

    def to_dict(self) -> dict[str, Any]:
        """The arguments that make this error again."""
        return {
            **super().to_dict(),
            "field": self.field,
            "value": self.value,
            "where": self.where,
        }


class DamagedError(InputError):
    """Data that benchlab wrote earlier, in a file or a store, are damaged.

    ``where`` names the file, ``field`` the place in it and ``value`` what is found there, cut to
    what a message has room for.
    """

    def __init__(
        self,
        problem: str,
        *,
        field: str = "",
        value: object = ...,
        remedy: str = "",
        where: str = "",
    ) -> None:
        if isinstance(value, str):
            value = _cut(value, _LONGEST_VALUE)
        elif not isinstance(value, str | int | float | None):
            value = ...
        super().__init__(_cut(problem), field=field, value=value, remedy=_cut(remedy), where=where)

    def advising(self, remedy: str) -> Self:
        """The same error with a ``remedy``, unless it has its own."""
        return type(self)(**{**self.to_dict(), "remedy": self.remedy or remedy})

    def inside(self, field: str, where: str) -> Self:
        """The same error about a part of ``field``, in the file ``where``."""
        found = self.of(".".join(filter(None, (field, self.field))))
        return found.within(where) if where else found


class RunNotFoundError(InputError):
    """No stored run has the id that was asked for."""


class MissingPackageError(InputError):
    """A package of one of benchlab's extras is needed and not installed; the remedy installs it."""


class RunError(BenchlabError):
    """The run could not be started, or ended before it had measured anything."""


class TargetError(RunError):
    """The service under test cannot be reached."""


class FaultError(RunError):
    """A fault of the plan cannot be set or lifted.

    ``field`` is the setting that is in the way, such as ``pid``, and ``value`` what it is.
    """

    def __init__(
        self, problem: str, *, field: str = "", value: object = ..., remedy: str = ""
    ) -> None:
        """Without a ``field``, ``problem`` has the value in it."""
        super().__init__(problem, remedy=remedy)
        self.field = field
        self.value = value

    def __str__(self) -> str:
        return _named(super().__str__(), self.field, self.value)

    def to_dict(self) -> dict[str, Any]:
        """The arguments that make this error again."""
        return {**super().to_dict(), "field": self.field, "value": self.value}


class OutputError(RunError):
    """A result, such as a report or an exported file, cannot be written."""


class WorkerError(RunError):
    """A worker process failed before it could measure."""


class InvalidRunError(BenchlabError):
    """Analysis was asked to draw a conclusion from a run that does not support one."""


class StoreError(BenchlabError):
    """The store cannot be opened, read or written."""

    exit_code = 4


class StoreBusyError(StoreError):
    """Another process held the embedded store for longer than this one waits."""


class StoreUnavailableError(StoreError):
    """The store does not respond, or has no space. The same request may succeed later."""


class SchemaError(StoreError):
    """The store was written by a newer benchlab than this one."""


def _whole_traceback(error: BaseException) -> list[str]:
    """The traceback as IPython shows that of other errors, in the form that ``%xmode`` chose."""
    from traceback import format_exception

    shell = running_shell()
    if shell is None:
        return format_exception(error)
    parts: list[str] = shell.InteractiveTB.structured_traceback(
        type(error), error, error.__traceback__
    )
    return parts


def _calling_line(error: BaseException) -> list[str]:
    """The line of code that called benchlab or, outside of it, raised ``error``; and its place."""
    import linecache
    from traceback import walk_tb

    place = None
    for frame, number in walk_tb(error.__traceback__):
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package == __package__:
            break
        if package != "IPython":  # which calls a magic
            place = frame.f_code.co_filename, number
    if place is None:
        return []
    filename, number = place
    line = _as_typed(linecache.getline(*place).strip())
    return [f"{_file_name(filename)}, line {number}", f"    {line}"]


def _as_typed(line: str) -> str:
    """``line`` as it stands in the cell: a magic is a call in what IPython makes of it."""
    from ast import literal_eval

    before, call, arguments = line.partition("get_ipython().run_line_magic(")
    if not call:
        return line
    try:
        name, text = literal_eval(f"({arguments}")
    except (SyntaxError, ValueError):
        return line
    return f"{before}%{name} {text}"


def _file_name(filename: str) -> str:
    """The name of a source file or, in a notebook, that of the cell as IPython has it."""
    shell = running_shell()
    cell = shell.compile.format_code_name(filename) if shell is not None else None
    return " ".join(cell) if cell else f"File {filename}"


def _named(text: str, name: str, value: object) -> str:
    """``text`` about the setting ``name``, with its ``value`` if that is carried."""
    if not name:
        return text
    return f"{name}: {text}" if value is ... else f"{name}={value!r} {text}"


def _cut(text: str, length: int = _LONGEST) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def error_to_data(error: BenchlabError) -> dict[str, Any]:
    """``error`` as JSON-ready data, for another process. A value that JSON lacks is left out."""
    arguments = error.to_dict()
    if not isinstance(arguments.get("value"), str | int | float | None):
        del arguments["value"]
    return {"kind": type(error).__name__, "arguments": arguments}


def error_from_data(data: Mapping[str, Any]) -> BenchlabError:
    """The error that `error_to_data` was given.

    Raises:
        ValueError: the data is something else.
    """
    kind, arguments = data.get("kind"), data.get("arguments")
    found = globals().get(kind) if isinstance(kind, str) else None
    if not (isinstance(found, type) and issubclass(found, BenchlabError)):
        raise ValueError(f"{kind!r} is not a kind of error")
    if not isinstance(arguments, dict):
        raise ValueError(f"{kind} has no arguments")
    try:
        return found(**arguments)
    except TypeError as exc:
        raise ValueError(f"{kind} has other arguments: {exc}") from exc


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
