"""Bodies with a length, without a body, and until the connection closes."""

from __future__ import annotations

from tests.load.drivers.corpus.case import closes, head, ok, refused, sized, unfinished

__all__ = ["CASES"]

NO_CONTENT = b"HTTP/1.1 204 No Content"
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified"
GZIP = bytes.fromhex("1f8b08000000000002ffcb48cdc9c9070086a6103605000000")

LENGTHS = [
    ok("length", sized(b"5"), "6.3"),
    ok("length of 0", sized(b"0", b""), "6.3", body=b""),
    ok("length with leading zeros", sized(b"005"), "9110 8.6"),
    ok("length with forty leading zeros", sized(b"0" * 40 + b"5"), "9110 8.6"),
    ok("length with blanks around it", sized(b" \t5\t "), "5"),
    ok("name in capitals", head(b"CONTENT-LENGTH: 5") + b"hello", "5"),
    ok("name in small letters", head(b"content-length: 5") + b"hello", "5"),
    ok("no space after the colon", head(b"Content-Length:5") + b"hello", "5"),
    ok("length on a folded line", head(b"Content-Length:", b" 5") + b"hello", "5.2"),
    ok("length and a blank fold", head(b"Content-Length: 5", b"\t") + b"hello", "5.2"),
    ok(
        "equal lengths in two fields",
        head(b"Content-Length: 5", b"Content-Length: 5") + b"hello",
        "6.3",
    ),
    ok("equal lengths in a list", sized(b"5, 5"), "6.3"),
    ok("three equal lengths", sized(b"5,5 ,5"), "6.3"),
    ok("equal lengths, one with a zero", sized(b"5, 05"), "6.3"),
    ok("length and an empty element", sized(b"5,"), "9110 5.6.1"),
    ok("body of empty lines", sized(b"4", b"\r\n\r\n"), "6.3", body=b"\r\n\r\n"),
    ok("body of NUL", sized(b"3", b"\0\0\0"), "6.3", body=b"\0\0\0"),
    ok("body that looks like a head", sized(b"19", b"HTTP/1.1 200 OK\r\n\r\n"), "6.3", body=head()),
    ok("body of ten kilobytes", sized(b"10000", b"x" * 10_000), "6.3", body=b"x" * 10_000),
    ok(
        "gzip body",
        head(b"Content-Encoding: gzip", b"Content-Length: 25") + GZIP,
        "9110 8.4",
        body=GZIP,
    ),
    ok(
        "unknown coding",
        head(b"Content-Encoding: zstd", b"Content-Length: 5") + b"hello",
        "9110 8.4",
    ),
    refused("different lengths in a list", sized(b"5, 6"), "6.3"),
    refused(
        "different lengths in two fields",
        head(b"Content-Length: 5", b"Content-Length: 6") + b"hello",
        "6.3",
    ),
    refused("an invalid length in a list", sized(b"5, x"), "6.3"),
    refused("empty length", sized(b""), "6.3"),
    refused("length of a comma", sized(b","), "6.3"),
    refused("length in words", sized(b"five"), "6.3"),
    refused("length in hex", sized(b"0x5"), "6.3"),
    refused("length and a letter", sized(b"5a"), "6.3"),
    refused("negative length", sized(b"-5"), "6.3"),
    refused("length with a plus", sized(b"+5"), "6.3"),
    refused("length with an underscore", sized(b"0_5"), "6.3"),
    refused("length with a dot", sized(b"5.0"), "6.3"),
    refused("length with an exponent", sized(b"5e0"), "6.3"),
    refused("length with a semicolon", sized(b"5;a=b"), "6.3"),
    refused("length in quotes", sized(b'"5"'), "6.3"),
    refused("two lengths with a space", sized(b"5 5"), "6.3"),
    refused("a digit in a fold", head(b"Content-Length: 1", b" 2") + b"hello", "6.3"),
    refused("length in full-width digits", sized("５".encode()), "6.3"),
    refused("superscript length", sized(b"\xb2"), "6.3"),
    refused("length of 2^64", sized(b"18446744073709551616"), "6.3"),
    refused("length of 30 digits", sized(b"9" * 30), "6.3"),
    refused("length after a vertical tab", sized(b"\x0b5"), "6.3"),
    unfinished("body one byte short", sized(b"6"), "8", body=b"hello"),
    unfinished("body that has not begun", sized(b"5", b""), "8"),
    unfinished("length of 2^64 - 1", sized(b"18446744073709551615"), "8", body=b"hello"),
    closes("one byte too many", sized(b"4"), "6.3", body=b"hell"),
    closes("an empty line after the body", sized(b"5", b"hello\r\n"), "6.3"),
    closes("a second response", sized(b"5") + sized(b"5"), "6.3"),
    closes("a body with length 0", sized(b"0"), "6.3", body=b""),
]

BODYLESS = [
    ok("HEAD without a length", head(), "6.3", body=b"", method="HEAD"),
    ok("HEAD with fields only", head(b"Server: x", b"Date: y"), "6.3", body=b"", method="HEAD"),
    ok("HEAD with a length", sized(b"500", b""), "6.3", body=b"", method="HEAD"),
    ok("HEAD with chunked", head(b"Transfer-Encoding: chunked"), "6.3", body=b"", method="HEAD"),
    ok(
        "HEAD with chunked and a length",
        head(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
        "6.3",
        body=b"",
        method="HEAD",
    ),
    ok("HEAD with two lengths", sized(b"5, 6", b""), "6.3", body=b"", method="HEAD"),
    ok(
        "HEAD not found",
        head(status=b"HTTP/1.1 404 No"),
        "6.3",
        body=b"",
        status=404,
        method="HEAD",
    ),
    ok(
        "HEAD after an interim response",
        head(status=b"HTTP/1.1 103 Early Hints") + head(),
        "6.3",
        body=b"",
        method="HEAD",
    ),
    ok(
        "HEAD of HTTP/1.0 kept",
        head(b"Connection: keep-alive", status=b"HTTP/1.0 200 OK"),
        "9.3",
        body=b"",
        method="HEAD",
    ),
    closes("HEAD of HTTP/1.0", head(status=b"HTTP/1.0 200 OK"), "9.3", body=b"", method="HEAD"),
    closes("HEAD and close", head(b"Connection: close"), "9.3", body=b"", method="HEAD"),
    closes("HEAD with a body", sized(b"5"), "6.3", body=b"", method="HEAD"),
    ok("204", head(status=NO_CONTENT), "6.3", body=b"", status=204),
    ok(
        "204 with a length of 0",
        head(b"Content-Length: 0", status=NO_CONTENT),
        "6.3",
        body=b"",
        status=204,
    ),
    ok(
        "204 with a length",
        head(b"Content-Length: 5", status=NO_CONTENT),
        "6.3",
        body=b"",
        status=204,
    ),
    ok(
        "204 with an invalid length",
        head(b"Content-Length: x", status=NO_CONTENT),
        "6.3",
        body=b"",
        status=204,
    ),
    ok(
        "204 with chunked",
        head(b"Transfer-Encoding: chunked", status=NO_CONTENT),
        "6.3",
        body=b"",
        status=204,
    ),
    closes(
        "204 with a body",
        head(b"Content-Length: 5", status=NO_CONTENT) + b"hello",
        "6.3",
        body=b"",
        status=204,
    ),
    closes(
        "204 and close", head(b"Connection: close", status=NO_CONTENT), "9.6", body=b"", status=204
    ),
    ok("304", head(status=NOT_MODIFIED), "6.3", body=b"", status=304),
    ok(
        "304 with a length",
        head(b"Content-Length: 5", status=NOT_MODIFIED),
        "6.3",
        body=b"",
        status=304,
    ),
    ok(
        "304 with chunked",
        head(b"Transfer-Encoding: chunked", status=NOT_MODIFIED),
        "6.3",
        body=b"",
        status=304,
    ),
    ok("304 with a tag", head(b'ETag: "x"', status=NOT_MODIFIED), "6.3", body=b"", status=304),
    closes("304 with a body", head(status=NOT_MODIFIED) + b"hello", "6.3", body=b"", status=304),
    ok(
        "205 with a length of 0",
        head(b"Content-Length: 0", status=b"HTTP/1.1 205 Reset"),
        "9110 15.3.6",
        body=b"",
        status=205,
    ),
    ok(
        "205 with a body",
        head(b"Content-Length: 5", status=b"HTTP/1.1 205 Reset") + b"hello",
        "6.3",
        status=205,
    ),
    ok("200 to a POST with length 0", sized(b"0", b""), "6.3", body=b"", method="POST"),
]

UNTIL_CLOSE = [
    closes("until close", head() + b"hello", "6.3", until_close=True),
    closes("until close, empty", head(), "6.3", body=b"", until_close=True),
    closes(
        "until close, announced", head(b"Connection: close") + b"hello", "6.3", until_close=True
    ),
    closes(
        "until close, keep-alive",
        head(b"Connection: keep-alive") + b"hello",
        "6.3",
        until_close=True,
    ),
    closes(
        "until close, HTTP/1.0", head(status=b"HTTP/1.0 200 OK") + b"hello", "6.3", until_close=True
    ),
    closes(
        "until close, another response in it", head() + head(), "6.3", body=head(), until_close=True
    ),
    closes(
        "until close, empty lines first",
        head() + b"\r\n\r\nhello",
        "6.3",
        body=b"\r\n\r\nhello",
        until_close=True,
    ),
    closes(
        "until close, status 500",
        head(status=b"HTTP/1.1 500 No") + b"hello",
        "6.3",
        status=500,
        until_close=True,
    ),
    closes(
        "until close, reset content",
        head(status=b"HTTP/1.1 205 Reset") + b"hello",
        "6.3",
        status=205,
        until_close=True,
    ),
    closes("until close, to a POST", head() + b"hello", "6.3", method="POST", until_close=True),
    closes(
        "until close, gzip",
        head(b"Content-Encoding: gzip") + GZIP,
        "6.3",
        body=GZIP,
        until_close=True,
    ),
]

CASES = [*LENGTHS, *BODYLESS, *UNTIL_CLOSE]
