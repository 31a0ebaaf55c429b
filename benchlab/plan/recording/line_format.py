"""Read lines of one format: from the pieces of a format string to the request of a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from benchlab.errors import InputError
from benchlab.plan.recording.collect import Entry
from benchlab.plan.recording.fields import UNKNOWN, Meaning, TimeField, read_entry
from benchlab.plan.recording.format_strings import Piece, Variable, parse_format
from benchlab.plan.recording.moments import read_strftime
from benchlab.plan.recording.skipped import Skip
from benchlab.text import one_line

__all__ = ["LineFormat", "Reader", "reader_of"]

_QUOTED = r'[^"\\]*(?:\\.[^"\\]*)*'
# Values without blanks, so that the next blank ends them.
_NO_BLANKS = frozenset(
    (
        Meaning.STATUS, Meaning.CLIENT, Meaning.HOST, Meaning.METHOD, Meaning.BODY_BYTES,
        Meaning.SECONDS, Meaning.MILLISECONDS, Meaning.MICROSECONDS, Meaning.SESSION,
        Meaning.FRACTION_MS, Meaning.FRACTION_US, Meaning.QUERY,
    )
)  # fmt: skip
_NO_BLANK_NAMES = re.compile(r"\$(?:body_)?bytes|%[bBIOkpPX]|%(?:BYTES|RESPONSE|UPSTREAM)_\w+%")
_SEVERAL = r"[^, ]*(?:(?:, | : )[^, ]*)*"  # of each server that nginx tried, of each proxy
_OWN_PATTERNS = {"%t": r"\[[^\]]*\]", "%p": r"\d+", "$is_args": r"\??"}
_SHOWN = 60
_UNQUOTED = re.compile(r"(:\s*)(\$\w+|%[^\s,}\"]+)(?=\s*[,}])")


class Reader(Protocol):
    """Reads the lines of a format; ``name`` is its name for people."""

    name: str

    def read(self, line: str) -> Entry | Skip:
        """The request of a line, or why there is none."""
        ...

    def explain(self, line: str) -> str:
        """Where and why ``line`` is not of the format."""
        ...


class LineFormat:
    """Lines of text in the format of some pieces; with a ``rest`` more may follow."""

    def __init__(self, pieces: Sequence[Piece], name: str, *, rest: bool = False) -> None:
        self.name = name
        self._pieces = pieces
        self._rest = r"(?:\s.*)?" if rest else r"\s*"
        self._patterns = list(_patterns(pieces))
        self._pattern = re.compile("".join(self._patterns) + self._rest, re.DOTALL)
        self._meanings = Meanings(pieces)

    def matches(self, line: str) -> bool:
        """Whether ``line`` has this form, whatever it says."""
        return self._pattern.fullmatch(line) is not None

    def read(self, line: str) -> Entry | Skip:
        """The request of a line, or why there is none."""
        found = self._pattern.fullmatch(line)
        return Skip.MALFORMED if found is None else self._meanings.entry(found.groups())

    def explain(self, line: str) -> str:
        """Where ``line`` leaves the format."""
        end, count = 0, 0
        for count in range(len(self._patterns), 0, -1):
            found = re.compile("".join(self._patterns[:count]), re.DOTALL).match(line)
            if found is not None:
                end = found.end()
                break
        else:
            count = 0
        rest = one_line(line[end:], _SHOWN)
        if count == len(self._patterns):
            return f"the format ends before {rest!r}"
        piece = self._pieces[count]
        wanted = repr(piece) if isinstance(piece, str) else piece.written
        return f"it has {rest!r} where the format has {wanted}"


class JsonFormat:
    """Lines with a JSON object each, whose values are in the format of some pieces."""

    def __init__(self, data: Mapping[str, Any], name: str) -> None:
        self.name = name
        self._parts: list[tuple[tuple[str, ...], re.Pattern[str]]] = []
        pieces: list[Piece] = []
        for keys, text in _leaves(data):
            try:
                found = parse_format(text)
            except InputError:
                continue  # a constant
            pieces += found
            self._parts.append((keys, re.compile("".join(_patterns(found)), re.DOTALL)))
        self._meanings = Meanings(pieces)

    def read(self, line: str) -> Entry | Skip:
        """The request of a line, or why there is none."""
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            return Skip.MALFORMED
        groups: list[str] = []
        for keys, pattern in self._parts:
            value = data
            for key in keys:
                value = value.get(key) if isinstance(value, dict) else None
            found = pattern.fullmatch("" if value is None else f"{value}")
            groups += found.groups() if found else [""] * pattern.groups
        return self._meanings.entry(groups) if any(groups) else Skip.MALFORMED

    def explain(self, line: str) -> str:
        """Why ``line`` cannot be read."""
        try:
            json.loads(line)
        except (ValueError, RecursionError) as exc:
            return f"it is not JSON: {exc}"
        return "it has none of the format's names"


class Meanings:
    """What the values of an entry mean, in the order of the variables of a format.

    Raises:
        InputError: the format has no time, or no path.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        variables = [piece for piece in pieces if isinstance(piece, Variable)]
        self._keys = [
            each.meaning.value if each.meaning else f"{number}"
            for number, each in enumerate(variables)
        ]
        ranked = sorted(
            (each.rank, number) for number, each in enumerate(variables) if each.read is not None
        )
        self._times = [
            TimeField(self._keys[number], read, variables[number].ended)
            for _, number in ranked
            if (read := variables[number].read) is not None
        ]
        parts = [(number, each) for number, each in enumerate(variables) if each.form]
        self._time_parts = [self._keys[number] for number, _ in parts]
        if parts:  # Apache's time in parts: read as one
            form = "\n".join(each.form for _, each in parts)
            self._times.append(
                TimeField("time", partial(read_strftime, form=form), parts[0][1].ended)
            )
        if not self._times:
            raise _lacks("a time", "$time_local or $msec, %t, or %START_TIME%")
        if not {Meaning.REQUEST, Meaning.TARGET, Meaning.PATH} & set(self._keys):
            raise _lacks("the path of requests", "$request, %r, or %REQ(:PATH)%")

    def entry(self, values: Sequence[str]) -> Entry | Skip:
        """The request of these values."""
        found: dict[str, str] = {}
        for key, value in zip(self._keys, values, strict=True):
            if found.get(key, "") in UNKNOWN:
                found[key] = value
        if self._time_parts:
            found["time"] = "\n".join(found[key] for key in self._time_parts)
        return read_entry(found, self._times)


def reader_of(text: str) -> Reader:
    """What reads the lines of the format string ``text``.

    Raises:
        InputError: it is none, or lacks what is needed.
    """
    shown = one_line(text, _SHOWN)
    pieces = parse_format(text)
    whole = "".join(piece if isinstance(piece, str) else piece.written for piece in pieces)
    if whole.lstrip().startswith("{"):
        try:
            data = json.loads(_UNQUOTED.sub(r'\1"\2"', whole))
        except ValueError:
            return LineFormat(pieces, shown)
        return JsonFormat(data, shown)
    return LineFormat(pieces, shown)


def _patterns(pieces: Sequence[Piece]) -> Iterator[str]:
    """A pattern for each piece. None can match in two ways, so that no line takes long."""
    for number, piece in enumerate(pieces):
        if isinstance(piece, str):
            yield r"\s+".join(map(re.escape, re.split(r"[ \t]+", piece)))
            continue
        before = pieces[number - 1] if number else ""
        after, then = (*pieces[number + 1 : number + 3], "", "")[:2]
        if isinstance(after, str) and isinstance(then, Variable) and then.written == "%t":
            after += "["  # with which it begins: names of users may have blanks
        yield f"({_value_pattern(piece, before, after)})"


def _value_pattern(variable: Variable, before: Piece, after: Piece) -> str:
    name = variable.written
    if name in _OWN_PATTERNS:
        return _OWN_PATTERNS[name]
    if isinstance(after, Variable):  # nothing between the two
        return r"[^\s?\"]*" if variable.meaning is Meaning.PATH else r"[^\s\"]*?"
    quoted = isinstance(before, str) and before.endswith('"') and after.startswith('"')
    if quoted:
        return _QUOTED
    if variable.meaning is Meaning.STATUS:
        return r"\d{1,3}|-"
    if not after:
        return r".*" if not _has_no_blanks(variable) else r"\S*"
    if name.startswith("$upstream_") or variable.meaning is Meaning.FORWARDED:
        return _SEVERAL
    if after[0] not in " \t" or len(after) == 1 or _has_no_blanks(variable):
        return f"[^{re.escape(after[0])}]*"
    return f"(?:(?!{re.escape(after)}).)*"


def _has_no_blanks(variable: Variable) -> bool:
    return variable.meaning in _NO_BLANKS or _NO_BLANK_NAMES.match(variable.written) is not None


def _leaves(data: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*keys, key))
    elif isinstance(data, str):
        yield keys, data


def _lacks(what: str, how: str) -> InputError:
    return InputError(f"lacks {what}", field="format", remedy=f"the log needs {how}")
