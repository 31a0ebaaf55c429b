"""Read JMeter's results (JTL) as CSV or XML.

Times are whole milliseconds, and ``elapsed`` includes connecting. A transaction is not a request
but a sum of requests: its row is skipped, and the requests inside it are read. Redirects and page
resources inside a request count as part of that request. Endpoints are the labels.

A row that JMeter filled with what it had is a request all the same: its status is unknown if the
response code is none of HTTP, such as 1006 or ``Non HTTP response code: …``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.exchange.parsing import (
    LONGEST_BYTES,
    Place,
    Table,
    chunks,
    parse_rfc3339_ns,
    too_long,
)
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.failures import kind_of_failure
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.text import plural
from benchlab.text_files import encoding_of, open_text
from benchlab.units import NS_PER_MS, NS_PER_S

__all__ = ["read_jtl_csv", "read_jtl_xml"]

_NOTES = (
    "durations are whole milliseconds",
    "bytes received include the headers",
)
_OPTIONAL = {
    "Latency": "first bytes",
    "bytes": "bytes received",
    "Connect": "new connections",
}
_NO_HEADER = "the file has no header: its columns are taken to be JMeter's default ones"
_NO_ZONE = "times have no zone: they are taken to be UTC"
_SECONDS = "times are whole seconds: rates over a few seconds mean nothing"
_SUCCESS = {"true": True, "false": False}
_STATUS = re.compile(r"[1-9][0-9][0-9]")
_NEEDED = ("timeStamp", "elapsed", "label", "responseCode", "success")
# The columns of a file without a header, by their number: JMeter's defaults, since 5.0 with URL.
_DEFAULT_NAMES = (
    "timeStamp", "elapsed", "label", "responseCode", "responseMessage", "threadName", "dataType",
    "success", "failureMessage", "bytes", "sentBytes", "grpThreads", "allThreads", "URL", "Latency",
    "IdleTime", "Connect",
)  # fmt: skip
_HEADERLESS = {
    len(names): names
    for names in (_DEFAULT_NAMES, [name for name in _DEFAULT_NAMES if name != "URL"])
}
_DELIMITER = re.compile(r'\A\W*\w+"?(\W)"?\w')  # behind the first name, or the first time in ms
_DATE = re.compile(r"(\d{4})[/.-](\d\d)[/.-](\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d+))?(\S*)")
_MS_FROM = 10**11  # smaller times are seconds since 1970, not milliseconds before 1974
_LONGEST_TAG_BYTES = 4_000_000  # parsing time grows with the square of a tag's length
_TRANSACTION = "Number of samples in transaction"
_XML_NAMES = {
    "timeStamp": "ts",
    "elapsed": "t",
    "label": "lb",
    "responseCode": "rc",
    "responseMessage": "rm",
    "success": "s",
    "bytes": "by",
    "Latency": "lt",
    "Connect": "ct",
    "URL": "url",
}


def read_jtl_csv(path: Path, collector: Collector) -> Run:
    """Read the samples of a CSV file: any delimiter, with a header or JMeter's default columns."""
    place, rows = Place(path), _Rows(collector)
    with open_text(path, "replace") as file:
        head = file.readline(_LONGEST_TAG_BYTES)
    found = _DELIMITER.match(head)
    delimiter = found[1] if found else ","
    count = head.count(delimiter) + 1
    names = _HEADERLESS.get(count, ()) if head[:1].isdecimal() else ()
    with place:
        table = Table(path, place, _NEEDED, delimiter, names, trailing=True)
    for fields in table:
        with place.entry:
            rows.take(fields)
    notes = [_NO_HEADER] if names else []
    return rows.run(path, "jtl-csv", table.names, [*notes, *place.notes])


def read_jtl_xml(path: Path, collector: Collector) -> Run:
    """Read the samples of an XML file piece by piece."""
    from xml.parsers.expat import ExpatError, errors

    place, rows, reader = Place(path), _Rows(collector), None
    try:
        count = 0
        for chunk in chunks(path, place):
            reader = reader or _XmlReader(rows, encoding_of(chunk))
            reader.parser.Parse(chunk, False)
            count += len(chunk)
            # The parser buffers a tag until it has seen its end.
            if count - max(0, reader.parser.CurrentByteIndex) > _LONGEST_TAG_BYTES:
                place.line = reader.parser.CurrentLineNumber
                raise place.error(too_long("element", _LONGEST_TAG_BYTES))
        if reader:
            reader.parser.Parse(b"", True)
    except ExpatError as exc:
        place.line = exc.lineno
        ends = (
            errors.XML_ERROR_NO_ELEMENTS,
            errors.XML_ERROR_UNCLOSED_TOKEN,
            errors.XML_ERROR_PARTIAL_CHAR,
            errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        )
        if errors.messages[exc.code] not in ends:
            raise place.error(f"the XML is broken: {exc}") from exc
        place.cut = True
    except WRONG_CONTENT as exc:
        if isinstance(exc, InputError):
            raise
        place.line = reader.line if reader else 1
        with place:
            raise
    return rows.run(path, "jtl-xml", reader.names if reader else (), place.notes)


class _XmlReader:
    """Collects the outermost sample elements that are not transactions."""

    def __init__(self, rows: _Rows, encoding: str) -> None:
        from xml.parsers.expat import ParserCreate

        self._rows = rows
        self.names: set[str] = set()
        self.line = 0
        self._depth = 0
        self._sample: dict[str, str] = {}
        self._sample_depth = 0
        self._text: list[str] | None = None
        self._text_length = 0
        # A file in UTF-16 that declares itself UTF-8 was converted after it was written.
        utf_16 = encoding.replace("-le", "le").replace("-be", "be")
        self.parser = ParserCreate(utf_16 if utf_16.startswith("utf-16") else None)
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _refuse(self, *declaration: object) -> None:
        raise ValueError("it declares a document type, which JMeter does not, and may be hostile")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if not self._sample and tag in ("httpSample", "sample"):
            names = _XML_NAMES.items()
            fields = {name: attributes[short] for name, short in names if short in attributes}
            self.line = self.parser.CurrentLineNumber
            if not self._rows.is_transaction(fields):
                self._sample, self._sample_depth = fields, self._depth
        elif self._depth == self._sample_depth + 1 and tag == "java.net.URL":
            self._text, self._text_length = [], 0

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)
            self._text_length += len(text)
            if self._text_length > LONGEST_BYTES:
                raise ValueError(too_long("text"))

    def _end(self, tag: str) -> None:
        if self._depth == self._sample_depth + 1 and self._text is not None:
            self._sample["URL"] = "".join(self._text).strip()
            self._text = None
        elif self._sample and self._depth == self._sample_depth:
            self.names |= set(self._sample)
            self._rows.take(self._sample)
            self._sample = {}
        self._depth -= 1


class _Rows:
    """Adds samples to the run."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._count = self._transaction_count = 0
        self._notes: dict[str, None] = dict.fromkeys(_NOTES)

    def is_transaction(self, fields: Mapping[str, str]) -> bool:
        """Whether it is a transaction; they are counted."""
        found = fields.get("responseMessage", "").startswith(_TRANSACTION)
        self._transaction_count += found
        return found

    def take(self, fields: Mapping[str, str]) -> None:
        """Add a sample, unless it is a transaction.

        Raises:
            LookupError, ValueError: a field is missing, or cannot be read.
        """
        if self.is_transaction(fields):
            return
        sent_ns = self._time_ns(fields["timeStamp"])
        elapsed_ns = int(fields["elapsed"]) * NS_PER_MS
        first_ns = int(fields.get("Latency") or 0) * NS_PER_MS
        code, success = fields["responseCode"], _SUCCESS.get(fields["success"].lower())
        if success is None:
            raise ValueError(f"success is {fields['success'][:40]!r}, neither true nor false")
        status = int(code) if _STATUS.fullmatch(code) else 0
        message = "" if success else " ".join(filter(None, (code, fields.get("responseMessage"))))
        url = fields.get("URL") or ""
        self._collector.add(
            sent_ns,
            sent_ns + first_ns if first_ns and status else 0,
            sent_ns + elapsed_ns,
            bytes_in=int(fields.get("bytes") or 0),
            status=status,
            endpoint=self._collector.endpoint(
                "GET", url if url.startswith(("http://", "https://")) else "", fields["label"]
            ),
            error=ErrorKind.OK if success else kind_of_failure(status, message),
            message=message,
            flags=Flag.NEW_CONNECTION if int(fields.get("Connect") or 0) else 0,
        )
        self._count += 1

    def run(self, path: Path, format: str, names: Collection[str], notes: Iterable[str]) -> Run:
        """Make the run, after the last sample; ``names`` are the columns of the file."""
        count = plural(self._transaction_count, "transaction")
        if self._transaction_count and not self._count:
            raise InputError(
                f"{path} holds {count} and no requests: a transaction is a sum of requests",
                remedy='switch off "Generate parent sample" in its controller',
            )
        if self._transaction_count:
            self._notes[f"left out, because they are sums of requests: {count}"] = None
        missing = ["methods", *(what for name, what in _OPTIONAL.items() if name not in names)]
        return self._collector.run(
            path, format, "JMeter", missing=missing, notes=[*self._notes, *notes]
        )

    def _time_ns(self, text: str) -> int:
        """Parse a time: ms since 1970, or by ``jmeter.save.saveservice.timestamp_format``."""
        if text.isdecimal():
            number = int(text)
            if number >= _MS_FROM:
                return number * NS_PER_MS
            self._notes[_SECONDS] = None
            return number * NS_PER_S
        found = _DATE.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text[:40]!r} is not a time: neither milliseconds since 1970, nor such as"
                " 2026/11/28 21:50:00.123"
            )
        year, month, day, clock, fraction, zone = found.groups()
        if not zone:
            self._notes[_NO_ZONE] = None
        return parse_rfc3339_ns(f"{year}-{month}-{day}T{clock}.{fraction or 0}{zone}")
