"""Chunked bodies: sizes, extensions, data, trailers."""

from __future__ import annotations

from tests.load.drivers.corpus.case import chunked, closes, head, ok, refused, unfinished

__all__ = ["CASES"]

END = b"0\r\n\r\n"
HELLO = b"5\r\nhello\r\n"
LONG = b"x" * 300

SIZES = [
    ok("one chunk", chunked(HELLO + END), "7.1"),
    ok("no chunk", chunked(END), "7.1", body=b""),
    ok("two chunks", chunked(b"2\r\nhe\r\n3\r\nllo\r\n" + END), "7.1"),
    ok("chunks of a byte", chunked(b"".join(b"1\r\n%c\r\n" % c for c in b"hello") + END), "7.1"),
    ok("upper-case size", chunked(b"A\r\n0123456789\r\n" + END), "7.1", body=b"0123456789"),
    ok("lower-case size", chunked(b"a\r\n0123456789\r\n" + END), "7.1", body=b"0123456789"),
    ok("size of three digits", chunked(b"12c\r\n%b\r\n%b" % (LONG, END)), "7.1", body=LONG),
    ok("leading zeros", chunked(b"0005\r\nhello\r\n" + END), "7.1"),
    ok("twenty leading zeros", chunked(b"0" * 20 + b"5\r\nhello\r\n" + END), "7.1"),
    ok("last chunk of many zeros", chunked(HELLO + b"0000\r\n\r\n"), "7.1"),
    ok("size with a space after it", chunked(b"5 \r\nhello\r\n0 \r\n\r\n"), "7.1"),
    ok("size padded with spaces", chunked(b"5      \r\nhello\r\n" + END), "7.1"),
    ok("size with a tab after it", chunked(b"5\t\r\nhello\r\n" + END), "7.1"),
    refused("space before a size", chunked(b" 5\r\nhello\r\n" + END), "7.1"),
    refused("size in words", chunked(b"five\r\nhello\r\n" + END), "7.1"),
    refused("size not in hex", chunked(b"g\r\nhello\r\n" + END), "7.1"),
    refused("size with 0x", chunked(b"0x5\r\nhello\r\n" + END), "7.1"),
    refused("size with h", chunked(b"5h\r\nhello\r\n" + END), "7.1"),
    refused("negative size", chunked(b"-5\r\nhello\r\n" + END), "7.1"),
    refused("size with a plus", chunked(b"+5\r\nhello\r\n" + END), "7.1"),
    refused("size with an underscore", chunked(b"0_5\r\nhello\r\n" + END), "7.1"),
    refused("size with a comma", chunked(b"0,5\r\nhello\r\n" + END), "7.1"),
    refused("size with a dot", chunked(b"5.0\r\nhello\r\n" + END), "7.1"),
    refused("two sizes", chunked(b"5 5\r\nhello\r\n" + END), "7.1"),
    refused("empty size", chunked(b"\r\nhello\r\n" + END), "7.1"),
    refused("size of 17 digits", chunked(b"1" * 17 + b"\r\nhello"), "7.1"),
    refused("size of 30 digits", chunked(b"f" * 30 + b"\r\nhello"), "7.1"),
    refused("full-width digit", chunked("５\r\nhello\r\n".encode() + END), "7.1"),
    refused("nul in a size", chunked(b"5\0\r\nhello\r\n" + END), "7.1"),
    unfinished("size of 16 digits", chunked(b"f" * 16 + b"\r\nhello"), "7.1", body=b"hello"),
    unfinished("size alone", chunked(b"5"), "7.1"),
    unfinished("size and CR", chunked(b"5\r"), "7.1"),
    unfinished("size line alone", chunked(b"5\r\n"), "7.1"),
    unfinished("nothing after the head", chunked(b""), "7.1"),
]

EXTENSIONS = [
    ok("extension", chunked(b"5;a\r\nhello\r\n0;a\r\n\r\n"), "7.1.1"),
    ok("extension with a value", chunked(b"5;a=b\r\nhello\r\n0;a=b\r\n\r\n"), "7.1.1"),
    ok("extension with a quoted value", chunked(b'5;a="b"\r\nhello\r\n' + END), "7.1.1"),
    ok("quoted semicolon", chunked(b'5;a="b;c";d\r\nhello\r\n' + END), "7.1.1"),
    ok("quoted quote", chunked(b'5;a="b\\"c"\r\nhello\r\n' + END), "7.1.1"),
    ok("blank after the semicolon", chunked(b"5; a=b\r\nhello\r\n" + END), "7.1.1"),
    ok("blank before the semicolon", chunked(b'5 ;a="b"\r\nhello\r\n' + END), "7.1.1"),
    ok("blanks around all of it", chunked(b"5 ; a = b ; c\r\nhello\r\n0 ; d\r\n\r\n"), "7.1.1"),
    ok("tab before the semicolon", chunked(b"5\t;\ta=b\r\nhello\r\n" + END), "7.1.1"),
    ok("blank after the value", chunked(b"5;a=b \r\nhello\r\n" + END), "7.1.1"),
    ok("several extensions", chunked(b"5;a;b=c;d\r\nhello\r\n" + END), "7.1.1"),
    ok("extension without a name", chunked(b"5;\r\nhello\r\n" + END), "7.1.1"),
    ok("extension of a kilobyte", chunked(b"5;a=%b\r\nhello\r\n" % (b"b" * 1024) + END), "7.1.1"),
    ok("extension in Latin-1", chunked(b"5;a=\xe9\r\nhello\r\n" + END), "7.1.1"),
    refused("nul in an extension", chunked(b"5;a=\0\r\nhello\r\n" + END), "7.1.1"),
    refused("bare CR in an extension", chunked(b"5;a=\rb\r\nhello\r\n" + END), "2.2"),
    refused("extension without a semicolon", chunked(b"5 a=b\r\nhello\r\n" + END), "7.1.1"),
    refused("extension without a size", chunked(b";a=b\r\nhello\r\n" + END), "7.1.1"),
    unfinished("half an extension", chunked(b"5;a="), "7.1.1"),
]

DATA = [
    ok("data of CRLF", chunked(b"2\r\n\r\n\r\n" + END), "7.1", body=b"\r\n"),
    ok("data that looks like the end", chunked(b"5\r\n0\r\n\r\n\r\n" + END), "7.1", body=END),
    ok("data that looks like a head", chunked(b"4\r\n\r\n\r\n\r\n" + END), "7.1", body=b"\r\n\r\n"),
    ok("binary data", chunked(b"4\r\n\0\xff\n\r\r\n" + END), "7.1", body=b"\0\xff\n\r"),
    refused("one byte short", chunked(b"5\r\nhell\r\n" + END), "7.1"),
    refused("two bytes short", chunked(b"5\r\nhel\r\n" + END), "7.1"),
    refused("one byte too many", chunked(b"5\r\nhello!\r\n" + END), "7.1"),
    refused("two bytes too many", chunked(b"5\r\nhello!!\r\n" + END), "7.1"),
    refused("data without a line end", chunked(b"5\r\nhello" + END), "7.1"),
    refused("data and LF alone", chunked(b"5\r\nhello\n" + END), "7.1"),
    refused("data and CR alone", chunked(b"5\r\nhello\r" + END), "7.1"),
    refused("data and LF CR", chunked(b"5\r\nhello\n\r" + END), "7.1"),
    refused("data and two line ends", chunked(b"5\r\nhello\r\n\r\n" + END), "7.1"),
    refused("size line with LF alone", chunked(b"5\nhello\r\n" + END), "7.1"),
    refused("size line with CR alone", chunked(b"5\rhello\r\n" + END), "7.1"),
    refused("last chunk with LF alone", chunked(HELLO + b"0\n\r\n"), "7.1"),
    refused("size line with two CR", chunked(b"5\r\r\nhello\r\n" + END), "7.1"),
    refused("the second chunk short", chunked(HELLO + b"5\r\nhell\r\n" + END), "7.1"),
    unfinished("half a chunk", chunked(b"5\r\nhel"), "7.1", body=b"hel"),
    unfinished("a chunk without its line end", chunked(b"5\r\nhello"), "7.1", body=b"hello"),
    unfinished("a chunk and CR", chunked(b"5\r\nhello\r"), "7.1", body=b"hello"),
    unfinished("no last chunk", chunked(HELLO), "8", body=b"hello"),
    unfinished("last chunk without the end", chunked(HELLO + b"0\r\n"), "7.1", body=b"hello"),
    unfinished("last chunk and CR", chunked(HELLO + b"0\r\n\r"), "7.1", body=b"hello"),
    closes("bytes after the last chunk", chunked(HELLO + END + b"x"), "6.3"),
    closes("an empty line after the end", chunked(HELLO + END + b"\r\n"), "6.3"),
]

TRAILERS = [
    ok("trailer", chunked(HELLO + b"0\r\nX-Sum: 1\r\n\r\n", b"Trailer: X-Sum"), "7.1.2"),
    ok("trailer not announced", chunked(HELLO + b"0\r\nX-Sum: 1\r\n\r\n"), "7.1.2"),
    ok("several trailers", chunked(HELLO + b"0\r\nA: 1\r\nB: 2\r\nA: 3\r\n\r\n"), "7.1.2"),
    ok("empty trailer", chunked(HELLO + b"0\r\nA:\r\n\r\n"), "7.1.2"),
    ok("folded trailer", chunked(HELLO + b"0\r\nA: 1\r\n 2\r\n\r\n"), "5.2"),
    ok("trailers after an extension", chunked(HELLO + b"0;x\r\nA: 1\r\n\r\n"), "7.1.2"),
    ok("trailer lines with LF alone", chunked(HELLO + b"0\r\nA: 1\nB: 2\n\n"), "2.2"),
    ok("trailers that end with LF alone", chunked(HELLO + b"0\r\n\n"), "2.2"),
    ok("trailer Content-Length", chunked(HELLO + b"0\r\nContent-Length: 3\r\n\r\n"), "9110 6.5.1"),
    ok(
        "trailer Transfer-Encoding",
        chunked(HELLO + b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        "9110 6.5.1",
    ),
    ok(
        "trailer Content-Encoding",
        chunked(HELLO + b"0\r\nContent-Encoding: gzip\r\n\r\n"),
        "9110 6.5.1",
    ),
    ok("trailer Connection", chunked(HELLO + b"0\r\nConnection: close\r\n\r\n"), "9110 6.5.1"),
    ok(
        "trailer of ten kilobytes",
        chunked(b"0\r\nA: %b\r\n\r\n" % (b"x" * 10_000)),
        "7.1.2",
        body=b"",
    ),
    refused("trailer without a colon", chunked(HELLO + b"0\r\nA 1\r\n\r\n"), "7.1.2"),
    refused("trailer without a name", chunked(HELLO + b"0\r\n: 1\r\n\r\n"), "7.1.2"),
    refused("space before a trailer's colon", chunked(HELLO + b"0\r\nA : 1\r\n\r\n"), "5.1"),
    refused("white space before a trailer", chunked(HELLO + b"0\r\n A: 1\r\n\r\n"), "2.2"),
    refused("nul in a trailer", chunked(HELLO + b"0\r\nA: \0\r\n\r\n"), "9110 5.5"),
    refused("bare CR in a trailer", chunked(HELLO + b"0\r\nA: \rb\r\n\r\n"), "2.2"),
    refused("a response among trailers", chunked(HELLO + b"0\r\nHTTP/1.1 200 OK\r\n\r\n"), "7.1.2"),
    unfinished("half a trailer", chunked(HELLO + b"0\r\nA: 1"), "7.1.2", body=b"hello"),
    unfinished(
        "trailers without an end", chunked(HELLO + b"0\r\nA: 1\r\n"), "7.1.2", body=b"hello"
    ),
    closes("bytes after the trailers", chunked(HELLO + b"0\r\nA: 1\r\n\r\nx"), "6.3"),
]

CODINGS = [
    ok("coding in capitals", head(b"Transfer-Encoding: CHUNKED") + HELLO + END, "7"),
    ok(
        "coding with blanks around it", head(b"Transfer-Encoding: \t chunked \t") + HELLO + END, "7"
    ),
    ok("field name in capitals", head(b"TRANSFER-ENCODING: chunked") + HELLO + END, "5"),
    ok("no space after the colon", head(b"Transfer-Encoding:chunked") + HELLO + END, "5"),
    ok(
        "coding and an empty element",
        head(b"Transfer-Encoding: chunked,") + HELLO + END,
        "9110 5.6.1",
    ),
    ok(
        "an empty element and a coding",
        head(b"Transfer-Encoding: ,chunked") + HELLO + END,
        "9110 5.6.1",
    ),
    ok("gzip and chunked", head(b"Transfer-Encoding: gzip, chunked") + HELLO + END, "6.1"),
    ok(
        "gzip and chunked in two fields",
        head(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked") + HELLO + END,
        "6.1",
    ),
    ok("coding on a folded line", head(b"Transfer-Encoding:", b" chunked") + HELLO + END, "5.2"),
    ok("coding and a blank fold", head(b"Transfer-Encoding: chunked", b" ") + HELLO + END, "5.2"),
    ok("coding and a tab as fold", head(b"Transfer-Encoding: chunked", b"\t") + HELLO + END, "5.2"),
    ok("list over two lines", head(b"Transfer-Encoding: gzip,", b" chunked") + HELLO + END, "5.2"),
    ok("empty field", head(b"Transfer-Encoding: ", b"Content-Length: 5") + b"hello", "9110 5.6.1"),
    refused("chunked twice", head(b"Transfer-Encoding: chunked, chunked") + HELLO + END, "7.1"),
    refused(
        "chunked twice in two fields",
        head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + HELLO + END,
        "7.1",
    ),
    refused(
        "chunked with a parameter", head(b"Transfer-Encoding: chunked;q=1") + HELLO + END, "7.1"
    ),
    refused(
        "chunked and a length",
        head(b"Transfer-Encoding: chunked", b"Content-Length: 5") + HELLO + END,
        "6.3",
    ),
    refused(
        "a length and chunked",
        head(b"Content-Length: 5", b"Transfer-Encoding: chunked") + HELLO + END,
        "6.3",
    ),
    refused(
        "identity and a length",
        head(b"Transfer-Encoding: identity", b"Content-Length: 5") + b"hello",
        "6.3",
    ),
    closes("gzip alone", head(b"Transfer-Encoding: gzip") + b"hello", "6.3", until_close=True),
    closes(
        "identity alone", head(b"Transfer-Encoding: identity") + b"hello", "6.3", until_close=True
    ),
    closes(
        "chunked is not the last",
        head(b"Transfer-Encoding: chunked, gzip") + b"hello",
        "6.3",
        until_close=True,
    ),
    closes(
        "a coding that ends in chunked",
        head(b"Transfer-Encoding: xchunked") + b"hello",
        "6.3",
        until_close=True,
    ),
    closes(
        "chunked in quotes", head(b'Transfer-Encoding: "chunked"') + b"hello", "7", until_close=True
    ),
    closes(
        "a vertical tab before the coding",
        head(b"Transfer-Encoding: \x0bchunked") + b"hello",
        "6.3",
        until_close=True,
    ),
    closes("chunked and close", chunked(HELLO + END, b"Connection: close"), "9.6"),
]

CASES = [*SIZES, *EXTENSIONS, *DATA, *TRAILERS, *CODINGS]
