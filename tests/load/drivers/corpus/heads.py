"""Status lines, fields, line ends and sizes of heads."""

from __future__ import annotations

from tests.load.drivers.corpus.case import Case, closes, head, ok, refused, sized, unfinished

__all__ = ["CASES"]

LENGTH = b"Content-Length: 5"
FIELDS = b"Content-Length: 5\r\n\r\nhello"


def started(line: bytes) -> bytes:
    """A response with this status line."""
    return head(LENGTH, status=line) + b"hello"


def with_field(line: bytes) -> bytes:
    """A response with this field line."""
    return head(line, LENGTH) + b"hello"


STATUS_LINES = [
    ok("ordinary", started(b"HTTP/1.1 200 OK"), "4"),
    ok("empty reason", started(b"HTTP/1.1 200 "), "4"),
    ok("no reason, no space", started(b"HTTP/1.1 200"), "4"),
    ok("reason of several words", started(b"HTTP/1.1 200 All is well"), "4"),
    ok("reason with a tab", started(b"HTTP/1.1 200 All\twell"), "4"),
    ok("reason in UTF-8", started("HTTP/1.1 200 schön".encode()), "4"),
    ok("reason in Latin-1", started(b"HTTP/1.1 200 sch\xf6n"), "4"),
    ok("reason with a colon", started(b"HTTP/1.1 200 a: b"), "4"),
    ok("two spaces before the reason", started(b"HTTP/1.1 200  OK"), "4"),
    ok("reason of a kilobyte", started(b"HTTP/1.1 200 " + b"x" * 1024), "4"),
    ok("a later minor version", started(b"HTTP/1.2 200 OK"), "9110 2.5"),
    ok("the last minor version", started(b"HTTP/1.9 200 OK"), "9110 2.5"),
    *(
        ok(f"status {status}", started(b"HTTP/1.1 %d X" % status), "9110 15", status=status)
        for status in (201, 202, 206, 299, 300, 302, 307, 400, 401, 404, 418, 429, 499, 500, 503)
    ),
    ok("status 599", started(b"HTTP/1.1 599 X"), "9110 15", status=599),
    ok("status 600", started(b"HTTP/1.1 600 X"), "9110 15", status=600),
    ok("status 999", started(b"HTTP/1.1 999 X"), "9110 15", status=999),
    refused("status 000", started(b"HTTP/1.1 000 X"), "9110 15"),
    refused("status 099", started(b"HTTP/1.1 099 X"), "9110 15"),
    refused("status of two digits", started(b"HTTP/1.1 20 OK"), "4"),
    refused("status of four digits", started(b"HTTP/1.1 2000 OK"), "4"),
    refused("status in words", started(b"HTTP/1.1 abc OK"), "4"),
    refused("negative status", started(b"HTTP/1.1 -20 OK"), "4"),
    refused("status with a plus", started(b"HTTP/1.1 +20 OK"), "4"),
    refused("status and a letter", started(b"HTTP/1.1 200OK"), "4"),
    refused("no status", started(b"HTTP/1.1"), "4"),
    refused("no status but a space", started(b"HTTP/1.1 "), "4"),
    refused("a reason for a status", started(b"HTTP/1.1 OK"), "4"),
    refused("two spaces before the status", started(b"HTTP/1.1  200 OK"), "4"),
    refused("tab before the status", started(b"HTTP/1.1\t200 OK"), "4"),
    refused("tab before the reason", started(b"HTTP/1.1 200\tOK"), "4"),
    refused("nul in the reason", started(b"HTTP/1.1 200 O\0K"), "4"),
    refused("bare CR in the reason", started(b"HTTP/1.1 200 O\rK"), "2.2"),
    refused("space before the version", started(b" HTTP/1.1 200 OK"), "4"),
    refused("version in small letters", started(b"http/1.1 200 OK"), "2.3"),
    refused("version without a minor", started(b"HTTP/1 200 OK"), "2.3"),
    refused("version without a dot", started(b"HTTP/11 200 OK"), "2.3"),
    refused("version with a comma", started(b"HTTP/1,1 200 OK"), "2.3"),
    refused("minor version of two digits", started(b"HTTP/1.10 200 OK"), "2.3"),
    refused("version with a zero", started(b"HTTP/01.1 200 OK"), "2.3"),
    refused("version with a letter", started(b"HTTP/1.x 200 OK"), "2.3"),
    refused("HTTP/0.9 in words", started(b"HTTP/0.9 200 OK"), "2.3"),
    refused("HTTP/2 in words", started(b"HTTP/2.0 200 OK"), "2.3"),
    refused("HTTP/2 without a minor", started(b"HTTP/2 200 OK"), "2.3"),
    refused("HTTP/3 in words", started(b"HTTP/3.0 200 OK"), "2.3"),
    refused("no version", started(b"HTTP 200 OK"), "2.3"),
]

OTHER_PROTOCOLS = [
    refused("HTTP/0.9", b"<html>hello</html>\r\n", "2.3"),
    refused("RTSP", started(b"RTSP/1.0 200 OK"), "2.3"),
    refused("SIP", started(b"SIP/2.0 200 OK"), "2.3"),
    refused("ICY", started(b"ICY 200 OK"), "2.3"),
    refused("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", "2.3"),
    refused("SMTP", b"220 mail ESMTP\r\n", "2.3"),
    refused("FTP", b"220-welcome\r\n220 ready\r\n", "2.3"),
    refused("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x46", "2.3"),
    refused("an HTTP/2 frame", b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\x40\0\0", "2.3"),
    refused("a request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "2.3"),
    refused("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "2.3"),
    refused("JSON", b'{"message": "hello"}', "2.3"),
    refused("NUL", b"\0", "2.3"),
    refused("a byte order mark", b"\xef\xbb\xbf" + head(LENGTH) + b"hello", "2.3"),
    refused("every byte", bytes(range(256)), "2.3"),
    refused("a space", b" ", "2.3"),
    refused("a word that begins alike", b"HTTPS/1.1 200 OK\r\n", "2.3"),
]

LINE_ENDS = [
    ok("an empty line first", b"\r\n" + sized(b"5"), "2.2"),
    ok("two empty lines first", b"\r\n\r\n" + sized(b"5"), "2.2"),
    ok("many empty lines first", b"\r\n" * 20 + sized(b"5"), "2.2"),
    ok("an LF first", b"\n" + sized(b"5"), "2.2"),
    ok("LF and CRLF first", b"\n\r\n\n" + sized(b"5"), "2.2"),
    ok("LF alone everywhere", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "2.2"),
    ok("LF alone after the status line", b"HTTP/1.1 200 OK\n" + FIELDS, "2.2"),
    ok("LF alone after a field", b"HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\nhello", "2.2"),
    ok("LF alone as the blank line", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello", "2.2"),
    ok(
        "an LF body that has CRLF twice",
        b"HTTP/1.1 200 OK\nContent-Length: 9\n\nhello\r\n\r\n",
        "2.2",
        body=b"hello\r\n\r\n",
    ),
    refused("a CR first", b"\r" + sized(b"5"), "2.2"),
    refused("a space in the empty line", b" \r\n" + sized(b"5"), "2.2"),
    refused("CR alone everywhere", b"HTTP/1.1 200 OK\rContent-Length: 5\r\rhello\n", "2.2"),
    refused("CR alone after the status line", b"HTTP/1.1 200 OK\r" + FIELDS, "2.2"),
    refused("two CR after the status line", b"HTTP/1.1 200 OK\r\r\n" + FIELDS, "2.2"),
    refused("two CR after a field", with_field(b"X: a\r"), "2.2"),
    refused(
        "two CR in the blank line", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\r\nhello", "2.2"
    ),
    refused("LF CR as line end", b"HTTP/1.1 200 OK\n\rContent-Length: 5\n\r\n\rhello", "2.2"),
    refused("CR in a value", with_field(b"X: a\rb"), "2.2"),
    refused("CR that hides a field", with_field(b"X: a\rContent-Length: 3"), "2.2"),
    unfinished("nothing", b"", "8", status=0),
    unfinished("a CR", b"\r", "8", status=0),
    unfinished("empty lines", b"\r\n\r\n\r\n", "8", status=0),
    unfinished("half the version", b"HTTP/", "8", status=0),
    unfinished("half a status line", b"HTTP/1.1 20", "8", status=0),
    unfinished("a status line", b"HTTP/1.1 200 OK\r\n", "8", status=0),
    unfinished("half a field", b"HTTP/1.1 200 OK\r\nContent-", "8", status=0),
    unfinished("half a value", b"HTTP/1.1 200 OK\r\nContent-Length: 5", "8", status=0),
    unfinished("no blank line", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "8", status=0),
    unfinished("half the blank line", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r", "8", status=0),
]

FIELD_LINES = [
    ok("no space after the colon", with_field(b"X:a"), "5"),
    ok("blanks around the value", with_field(b"X: \t a \t "), "5"),
    ok("empty value", with_field(b"X:"), "9110 5.5"),
    ok("value of blanks", with_field(b"X:   "), "9110 5.5"),
    ok("value of colons", with_field(b"X: a:b::c"), "9110 5.5"),
    ok("value in UTF-8", with_field("X: schön".encode()), "9110 5.5"),
    ok("value in Latin-1", with_field(b"X: sch\xf6n\xff"), "9110 5.5"),
    ok("tab in a value", with_field(b"X: a\tb"), "9110 5.5"),
    ok("control character in a value", with_field(b"X: a\x01b"), "9110 5.5"),
    ok("DEL in a value", with_field(b"X: a\x7fb"), "9110 5.5"),
    ok("quotes in a value", with_field(b'X: "a, b'), "9110 5.5"),
    ok("every character of a name", with_field(b"!#$%&'*+-.^_`|~09azAZ: a"), "9110 5.1"),
    ok("name of digits", with_field(b"007: a"), "9110 5.1"),
    ok("the same field twice", with_field(b"X: a\r\nX: b"), "9110 5.3"),
    ok("cookies", with_field(b"Set-Cookie: a=b\r\nSet-Cookie: c=d"), "9110 5.3"),
    ok("name that holds another", with_field(b"X-Content-Length: 3"), "5"),
    ok("name that another holds", with_field(b"Content: 3"), "5"),
    ok("value that looks like a field", with_field(b"X: Content-Length: 3"), "5"),
    refused("no colon", with_field(b"X"), "5"),
    refused("no name", with_field(b": a"), "5"),
    refused("space before the colon", with_field(b"X : a"), "5.1"),
    refused("tab before the colon", with_field(b"X\t: a"), "5.1"),
    refused("space before the length's colon", head(b"Content-Length : 5") + b"hello", "5.1"),
    refused("space before the coding's colon", head(b"Transfer-Encoding : chunked"), "5.1"),
    refused("space in a name", with_field(b"X Y: a"), "5.1"),
    refused("bracket in a name", with_field(b"X(Y): a"), "9110 5.1"),
    refused("slash in a name", with_field(b"X/Y: a"), "9110 5.1"),
    refused("name in Latin-1", with_field(b"Sch\xf6n: a"), "9110 5.1"),
    refused("name in UTF-8", with_field("Schön: a".encode()), "9110 5.1"),
    refused("NUL in a name", with_field(b"X\0: a"), "9110 5.1"),
    refused("control character in a name", with_field(b"X\x01: a"), "9110 5.1"),
    refused("NUL in a value", with_field(b"X: a\0b"), "9110 5.5"),
    refused("NUL as a value", with_field(b"X: \0"), "9110 5.5"),
    refused("a second status line", with_field(b"HTTP/1.1 200 OK"), "5"),
    refused("a line of garbage", with_field(b"<html>"), "5"),
    refused("garbage, and nothing after it", b"HTTP/1.1 200 OK\r\n<html>\r\n", "5"),
]

FOLDS = [
    ok("folded value", with_field(b"X: a\r\n b"), "5.2"),
    ok("value folded by a tab", with_field(b"X: a\r\n\tb"), "5.2"),
    ok("value folded twice", with_field(b"X: a\r\n b\r\n  c"), "5.2"),
    ok("value that begins in a fold", with_field(b"X:\r\n a"), "5.2"),
    ok("blank fold", with_field(b"X: a\r\n "), "5.2"),
    ok("fold with LF alone", with_field(b"X: a\n b"), "5.2"),
    ok("fold that looks like a field", with_field(b"X: a\r\n Content-Length: 3"), "5.2"),
    ok("fold after the length", head(LENGTH, b"X: a", b" b") + b"hello", "5.2"),
    refused("space before the first field", head(b" " + LENGTH) + b"hello", "2.2"),
    refused("tab before the first field", head(b"\t" + LENGTH) + b"hello", "2.2"),
    refused("a blank line of spaces first", head(b"  ", LENGTH) + b"hello", "2.2"),
    refused("space before the only field", head(b" X: a"), "2.2"),
    refused("space before the first field, LF", b"HTTP/1.1 200 OK\n X: a\n\n", "2.2"),
    refused("NUL in a fold", with_field(b"X: a\r\n \0"), "9110 5.5"),
    refused("CR in a fold", with_field(b"X: a\r\n b\rc"), "2.2"),
]

SIZES: list[Case] = [
    ok("8 KB of fields", with_field(b"X: " + b"a" * 8192), "3"),
    ok("64 KB of fields", with_field(b"X: " + b"a" * 65_536), "3"),
    ok("a thousand fields", with_field(b"\r\n".join(b"X-%d: a" % i for i in range(1000))), "3"),
    ok("name of a kilobyte", with_field(b"X" * 1024 + b": a"), "3"),
    refused("300 KB in one field", with_field(b"X: " + b"a" * 300_000), "3"),
    refused("300 KB of fields", with_field(b"\r\n".join([b"X: aaaaaaaaaa"] * 20_000)), "3"),
    refused("300 KB of empty lines", b"\r\n" * 150_000 + sized(b"5"), "3"),
    refused("a field without an end", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000, "3"),
    refused("fields without an end", b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 50_000, "3"),
    refused("a reason without an end", b"HTTP/1.1 200 " + b"a" * 300_000, "3"),
    refused(
        "interim responses without an end",
        (b"HTTP/1.1 100 Continue\r\nX: %b\r\n\r\n" % (b"a" * 1000)) * 300,
        "3",
    ),
    refused(
        "trailers without an end",
        head(b"Transfer-Encoding: chunked") + b"0\r\n" + b"T: a\r\n" * 50_000,
        "7.1.2",
    ),
    refused(
        "an extension without an end",
        head(b"Transfer-Encoding: chunked") + b"5;a=" + b"a" * 20_000,
        "7.1.1",
    ),
    refused(
        "an extension of 20 KB",
        head(b"Transfer-Encoding: chunked") + b"5;a=%b\r\nhello\r\n0\r\n\r\n" % (b"a" * 20_000),
        "7.1.1",
    ),
    closes("8 KB after the end", sized(b"5") + b"x" * 8192, "6.3"),
]

CASES = [*STATUS_LINES, *OTHER_PROTOCOLS, *LINE_ENDS, *FIELD_LINES, *FOLDS, *SIZES]
