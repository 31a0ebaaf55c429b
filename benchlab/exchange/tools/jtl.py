"""Read JMeter's results (JTL) as CSV or XML.

Times are whole milliseconds, and ``elapsed`` includes connecting. A transaction is not a request
but a sum of requests: its row is skipped, and the requests inside it are read. Redirects and page
resources inside a request count as part of that request.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.exchange.parsing import LONGEST_BYTES, Place, columns, csv_rows, too_long
from benchlab.exchange.tools.collect import Collector
from benchlab.exchange.tools.failures import kind_of_failure
from benchlab.runs.run import Run
from benchlab.samples.samples import ErrorKind, Flag
from benchlab.text_files import open_bytes
from benchlab.units import NS_PER_MS

__all__ = ["read_jtl_csv", "read_jtl_xml"]

_NOTES = (
    "times and durations are whole milliseconds",
    "bytes received include the headers",
)
_NEEDED = ("timeStamp", "elapsed", "label", "responseCode", "success")
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
    """Read the samples of a CSV file that has a header."""
    place = Place(path)
    rows = csv_rows(path, place)
    with place:
        where = columns(next(rows, []), _NEEDED, place)
    names = tuple(where)
    for row in rows:
        with place:
            if len(row) != len(names):
                raise ValueError(f"the row has {len(row)} columns, the header {len(names)}")
            fields = dict(zip(names, row, strict=True))
            if not _is_transaction(fields):
                _add(collector, fields)
    return collector.run(path, "jtl-csv", "JMeter", missing=_missing(names), notes=_NOTES)


def read_jtl_xml(path: Path, collector: Collector) -> Run:
    """Read the samples of an XML file piece by piece."""
    from xml.parsers.expat import ExpatError

    place, reader = Place(path), _XmlReader(collector)
    with open_bytes(path) as file:
        try:
            count = 0
            while chunk := file.read(1 << 16):
                reader.parser.Parse(chunk, False)
                count += len(chunk)
                # The parser buffers a tag until it has seen its end.
                if count - max(0, reader.parser.CurrentByteIndex) > _LONGEST_TAG_BYTES:
                    problem = too_long("element", _LONGEST_TAG_BYTES)
                    raise InputError(f"{path}:{reader.parser.CurrentLineNumber}: {problem}")
            reader.parser.Parse(b"", True)
        except ExpatError as exc:
            raise InputError(f"{path}:{exc.lineno}: the XML is broken: {exc}") from exc
        except InputError:
            raise
        except (LookupError, ValueError, OverflowError):
            place.line = reader.line
            with place:
                raise
    return reader.collector.run(
        path, "jtl-xml", "JMeter", missing=_missing(reader.names), notes=_NOTES
    )


class _XmlReader:
    """Collects the outermost sample elements that are not transactions."""

    def __init__(self, collector: Collector) -> None:
        from xml.parsers.expat import ParserCreate

        self.collector = collector
        self.names: set[str] = set()
        self.line = 0
        self._depth = 0
        self._sample: dict[str, str] = {}
        self._sample_depth = 0
        self._text: list[str] | None = None
        self._text_length = 0
        self.parser = ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if not self._sample and tag in ("httpSample", "sample"):
            names = _XML_NAMES.items()
            fields = {name: attributes[short] for name, short in names if short in attributes}
            if not _is_transaction(fields):
                self.line = self.parser.CurrentLineNumber
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
            _add(self.collector, self._sample)
            self._sample = {}
        self._depth -= 1


def _is_transaction(fields: Mapping[str, str]) -> bool:
    return fields.get("responseMessage", "").startswith(_TRANSACTION)


def _add(collector: Collector, fields: Mapping[str, str]) -> None:
    sent_ms, elapsed_ms = int(fields["timeStamp"]), int(fields["elapsed"])
    code = fields["responseCode"]
    status = int(code) if code.isdigit() else 0
    success = fields["success"].lower() == "true"
    message = "" if success else " ".join(filter(None, (code, fields.get("responseMessage"))))
    first_ms = int(fields.get("Latency") or 0)
    url = fields.get("URL") or ""
    collector.add(
        sent_ms * NS_PER_MS,
        (sent_ms + first_ms) * NS_PER_MS if first_ms and status else 0,
        (sent_ms + elapsed_ms) * NS_PER_MS,
        bytes_in=int(fields.get("bytes") or 0),
        status=status,
        endpoint=collector.endpoint(
            "GET", url if url.startswith(("http://", "https://")) else "", fields["label"]
        ),
        error=ErrorKind.OK if success else kind_of_failure(status, message),
        message=message,
        flags=Flag.NEW_CONNECTION if int(fields.get("Connect") or 0) else 0,
    )


def _missing(names: Any) -> list[str]:
    optional = {"Latency": "first bytes", "bytes": "bytes received", "Connect": "new connections"}
    return ["methods", *(text for name, text in optional.items() if name not in names)]
