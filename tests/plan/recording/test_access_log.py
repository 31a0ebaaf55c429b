"""Access logs: every format that is known, by its format string too, and what is not a request."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab import Recording
from benchlab.errors import InputError
from benchlab.plan.recording.access_log import read_access_log
from benchlab.plan.recording.collect import Collector
from benchlab.plan.recording.line_format import reader_of
from benchlab.plan.recording.skipped import Skip
from tests.plan.recording.recordings import BASE, log_of, rows

COMMON = '192.0.2.1 - - [14/Mar/2026:09:00:00 +0100] "GET /a HTTP/1.1" 200 12'
COMBINED = f'{COMMON} "-" "curl/8"'
NGINX = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
    ' "$http_referer" "$http_user_agent" $request_time $upstream_response_time $msec'
)


def test_the_combined_format_with_whatever_people_have_in_it(tmp_path: Path) -> None:
    found = log_of(
        tmp_path,
        COMBINED,
        COMBINED.replace("/a", "/b?q=1&token=abc"),
        '2001:db8::7 - ada lovelace [14/Mar/2026:09:00:01 +0100] "POST /c HTTP/2.0" 201 8 "-"'
        ' "x (\\"y\\")"',
        '192.0.2.2 - - [14/Mar/2026:09:00:02 +0100] "GET /d e.txt HTTP/1.1" 404 1 "-" "-" 0.1 0.2',
        '192.0.2.2 - - [14/Mar/2026:09:00:02 +0100] "\\x16\\x03\\x01" 400 157 "-" "-"',
        '192.0.2.2 - - [14/Mar/2026:09:00:02 +0100] "" 408 0 "-" "-"',
        '192.0.2.2 - - [14/Mar/2026:09:00:02 +0100] "-" 408 0 "-" "-"',
        '192.0.2.2 - - [14/Mar/2026:09:00:03 +0100] "CONNECT shop:443 HTTP/1.1" 405 0 "-" "-"',
        '192.0.2.2 - - [14/Mar/2026:09:00:03 +0100] "OPTIONS * HTTP/1.1" 200 0 "-" "-"',
        '192.0.2.2 - - [14/Mar/2026:09:00:03 +0100] "GET /ws HTTP/1.1" 101 0 "-" "-"',
        '192.0.2.2 - - [14/Mar/2026:09:00:04 +0100] "GET http://Shop.test/x HTTP/1.1" 301 - "-" ""',
        '192.0.2.2 - - [32/Mar/2026:09:00:04 +0100] "GET /when HTTP/1.1" 200 1 "-" "-"',
        "",
        "not a log line",
        COMMON.replace("/a", "/common"),
    )
    assert rows(found) == [
        (0.0, "GET", "/a"),
        (0.333333, "GET", "/b?q=1&token=***"),
        (0.666667, "GET", "/common"),
        (1.333333, "POST", "/c"),
        (2.333333, "GET", "/d%20e.txt"),
        (4.333333, "GET", "/x"),
    ]
    assert found.counts.read == 14
    assert found.counts.kept == 6
    assert found.counts.skipped == {
        "not_http": 3,
        "connect": 1,
        "asterisk": 1,
        "websocket": 1,
        "no_time": 1,
        "malformed": 1,
    }
    assert found.counts.masked == 1
    assert found.requests.host.to_array().tolist()[-1] == "shop.test"
    # By address and user agent; the common format has no agent.
    assert found.requests.session.tolist() == [0, 0, 1, 2, 3, 3]
    assert found.started_at.isoformat() == "2026-03-14T08:00:00.166666+00:00"
    assert found.notes[0] == "times are whole seconds: spread evenly over their second"
    assert found.describe().startswith("6 requests in 4 sessions over 4.333 s of access log")
    kept = b"".join(map(bytes, [found.requests.session])) + repr(found).encode()
    assert b"192.0.2" not in kept
    plan = found.plan(BASE)
    assert plan.recorded is not None
    assert plan.recorded.skipped["body_not_recorded"] == 1
    assert "192.0.2" not in plan.to_json()


def test_nginx_logs_when_the_response_is_sent_and_the_arrival_is_earlier(tmp_path: Path) -> None:
    start = '192.0.2.1 - - [14/Mar/2026:09:00:01 +0100] "GET'
    found = log_of(
        tmp_path,
        f'{start} /quick HTTP/1.1" 200 12 "-" "x" 0.100 0.050, 0.040 1773475200.200',
        f'{start} /slow HTTP/1.1" 200 12 "-" "x" 0.900 - 1773475200.950',
        format=f"log_format main '{NGINX[:40]}'\n    '{NGINX[40:]}';",
    )
    assert rows(found) == [(0.0, "GET", "/slow"), (0.05, "GET", "/quick")]
    assert found.requests.duration_ms.tolist() == [900, 100]
    assert found.started_at.isoformat() == "2026-03-14T08:00:00.050000+00:00"
    assert found.notes == ("times are those of responses: what each took was taken away from them",)
    only_end = log_of(
        tmp_path,
        f'{start} /slow HTTP/1.1" 1.500',
        format='$remote_addr - - [$time_local] "$request" $request_time',
    )
    assert only_end.started_at.isoformat() == "2026-03-14T08:00:00+00:00"


@pytest.mark.parametrize(
    ("form", "line", "path"),
    [
        ('%h %l %u %t "%r" %>s %b %D', f"{COMMON} 150000", "/a"),
        ('LogFormat "%h %l %u %t \\"%r\\" %>s %b" common', COMMON, "/a"),
        (
            '%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t %m "%U%q" %>s %{ms}T %{SID}C',
            '14/Mar/2026:09:00:00.250 +0100 GET "/a?b=1" 200 150 s1',
            "/a?b=1",
        ),
        ("%{usec}t %{Host}i %m %U %q", "1773475200250000 h GET /a ?b", "/a?b"),
        ("%{end:msec}t %D %m %U", "1773475200400 150000 GET /a", "/a"),
        (
            "$http_x_forwarded_for $msec $upstream_addr $request",
            "192.0.2.1, 10.0.0.1 1773475200.250 [::1]:80, 10.0.0.2:1 : 10.0.0.3:8 GET /a HTTP/1.1",
            "/a",
        ),
        ("$connection $msec $request", "7 1773475200.250 GET /a HTTP/1.1", "/a"),
        ("$msec $request_method $uri$is_args$args", "1773475200.250 GET /a?b=1", "/a?b=1"),
        ("${time_iso8601} $request_method $request_uri", "2026-03-14T09:00:00+01:00 GET /a", "/a"),
        (
            '{"t":"$msec","r":"$request","s":$status,"u":{"c":"$cookie_sid"},"k":"constant"}',
            '{"t":"1773475200.250","r":"GET /a HTTP/1.1","s":200,"u":{"c":"x"},"k":"constant"}',
            "/a",
        ),
        (
            "[%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%] %REQ(:METHOD)% %REQ(X?:PATH)% %DURATION%",
            "[2026-03-14T08:00:00.250Z] GET /a 150",
            "/a",
        ),
        ("%START_TIME(%s.%3f)% %REQ(:METHOD)% %REQ(:PATH):20%", "1773475200.250 GET /a", "/a"),
    ],
)
def test_a_format_string_of_the_server_is_a_format(
    tmp_path: Path, form: str, line: str, path: str
) -> None:
    found = log_of(tmp_path, line, "foreign", format=form)
    assert rows(found) == [(0.0, "GET", path)]
    assert found.counts.skipped == {"malformed": 1}
    whole = "time_iso" in form or "%t " in form or "%l" in form
    fraction = "500000" if whole else "250000"
    assert found.started_at.isoformat() == f"2026-03-14T08:00:00.{fraction}+00:00"
    assert found.plan(BASE).recorded.made_by["format"] == form  # type: ignore[union-attr]


CADDY = {
    "level": "info",
    "ts": 1773475200.5,
    "logger": "http.log.access.log0",
    "msg": "handled request",
    "request": {
        "client_ip": "192.0.2.1",
        "method": "POST",
        "host": "shop.test",
        "uri": "/cart?key=abc",
        "headers": {"User-Agent": ["x"], "Content-Type": ["text/plain"]},
    },
    "bytes_read": 3,
    "duration": 0.25,
    "status": 201,
}
TRAEFIK = {
    "ClientHost": "192.0.2.1",
    "DownstreamStatus": 200,
    "Duration": 250_000_000,
    "RequestContentSize": 0,
    "RequestHost": "shop.test",
    "RequestMethod": "POST",
    "RequestPath": "/cart",
    "StartUTC": "2026-03-14T08:00:00.250000000Z",
    "time": "2026-03-14T09:00:01+01:00",
}
ENVOY = {
    "start_time": "2026-03-14T08:00:00.250Z",
    "method": "POST",
    "path": "/cart",
    "response_code": 200,
    "duration": 250,
    "bytes_received": 3,
    "authority": "shop.test",
    "x_forwarded_for": "192.0.2.1, 10.0.0.1",
    "downstream_remote_address": "10.0.0.1:40084",
}
NGINX_JSON = {
    "time": "2026-03-14T09:00:00+01:00",
    "msec": "1773475200.500",
    "remote_addr": "192.0.2.1",
    "request": "POST /cart HTTP/1.1",
    "status": "200",
    "request_time": "0.250",
    "http_host": "shop.test",
}


@pytest.mark.parametrize(
    ("entry", "is_empty"), [(CADDY, False), (TRAEFIK, True), (ENVOY, False), (NGINX_JSON, False)]
)
def test_lines_of_json_are_known_by_their_names(
    tmp_path: Path, entry: dict[str, object], is_empty: bool
) -> None:
    loaded = '{"msg":"loaded","path":"/etc/x.conf","time":"2026-03-14T08:00:00Z"}'
    found = log_of(tmp_path, json.dumps(entry), "{}", "[]", "{", '{"msg":"started"}', loaded)
    [(_, method, path)] = rows(found)
    assert (method, path.partition("?")[0]) == ("POST", "/cart")
    assert found.counts.skipped == {"malformed": 5}
    assert found.requests.duration_ms.tolist() == [250]
    assert found.requests.host.to_array().tolist() == ["shop.test"]
    assert found.requests.session.tolist() == [0]
    assert found.started_at.isoformat() == "2026-03-14T08:00:00.250000+00:00"
    # Whether there was a body is known where its size is.
    assert found.requests.body.tolist() == [0 if is_empty else -1]


@pytest.mark.parametrize(
    ("entry", "fraction"),
    [
        (
            {"time": "2026-03-14T08:00:00.5Z", "method": "GET", "path": "/a", "duration": 123},
            "500000",
        ),
        (
            {"time": "2026-03-14T08:00:00.5Z", "method": "GET", "path": "/a", "duration": 12.3},
            "500000",
        ),
        (
            {"time": "2026-03-14T08:00:00.5Z", "method": "GET", "path": "/a", "duration": "100ms"},
            "400000",
        ),
        ({**CADDY, "duration": 250_000_000}, "500000"),
        ({**CADDY, "duration": "250ms"}, "250000"),
        (
            {
                **ENVOY,
                "start_time": "",
                "timestamp": "2026-03-14T08:00:00.5Z",
                "response_flags": "-",
            },
            "500000",
        ),
    ],
)
def test_only_a_duration_of_known_unit_moves_an_arrival(
    tmp_path: Path, entry: dict[str, object], fraction: str
) -> None:
    found = log_of(tmp_path, json.dumps(entry))
    assert found.started_at.isoformat() == f"2026-03-14T08:00:00.{fraction}+00:00"
    is_unknown = isinstance(entry["duration"], int | float) and "response_flags" not in entry
    assert any("not known" in note for note in found.notes) is is_unknown


@pytest.mark.parametrize(
    ("line", "form"),
    [
        (json.dumps({**CADDY, "bytes_read": "9" * 5000}), "json"),
        (json.dumps({**CADDY, "ts": "0" * 5000 + "1773475200"}), "json"),
        (json.dumps({**CADDY, "duration": "9" * 5000}), "json"),
        (f"1773475200 POST /cart {'1' * 5000}", "%{sec}t %m %U %{msec_frac}t"),
    ],
    ids=range(4),
)
def test_numbers_beyond_all_bounds_are_not_read(tmp_path: Path, line: str, form: str) -> None:
    assert len(log_of(tmp_path, line, format=form)) == 1


def test_a_format_with_a_part_of_the_time_twice_has_no_time(tmp_path: Path) -> None:
    found = log_of(tmp_path, "09 09 GET /a", format="%{%H}t %{%H}t %m %U")
    assert found.counts.skipped == {"no_time": 1}


def test_a_window_is_of_arrivals_where_the_log_has_the_time_of_responses(tmp_path: Path) -> None:
    lines = [json.dumps({**CADDY, "duration": took}) for took in (0.25, 90.0)]
    assert len(log_of(tmp_path, *lines, window="08:00-08:01")) == 1
    assert len(log_of(tmp_path, *lines, window="07:58-07:59")) == 1


def test_an_error_does_not_show_secrets_of_the_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1 begins 'GET /a") as caught:
        log_of(tmp_path, "GET /a?token=hunter2")
    assert "hunter2" not in str(caught.value)


def test_messages_of_caddy_that_are_no_accesses_are_counted(tmp_path: Path) -> None:
    found = log_of(tmp_path, json.dumps(CADDY), json.dumps({**CADDY, "logger": "http.log.error"}))
    assert found.counts.skipped == {"no_access": 1}


def test_envoy_has_a_format_of_text(tmp_path: Path) -> None:
    line = (
        '[2026-03-14T08:00:00.117Z] "GET /a?b=1 HTTP/1.1" 200 - 0 731 12 11 "192.0.2.1" "x"'
        ' "0f6c4a52" "shop.test" "10.0.0.8:8080"'
    )
    istio = line.replace("200 - 0", '200 - via_upstream - "-" 0') + " outbound|80||shop.test - -"
    for text in (line, istio):
        found = log_of(
            tmp_path, text, '[2026-03-14T08:00:02.000Z] "- - -" 0 NR 0 0 0 - ' + '"-" ' * 5
        )
        assert rows(found) == [(0.0, "GET", "/a?b=1")]
        assert found.requests.session.tolist() == [0]
        assert found.counts.skipped == {"not_http": 1}
    assert rows(log_of(tmp_path, line, format="envoy")) == [(0.0, "GET", "/a?b=1")]


def test_apache_may_write_the_host_first(tmp_path: Path) -> None:
    found = log_of(tmp_path, f"shop.test:443 {COMBINED}")
    assert rows(found) == [(0.0, "GET", "/a")]
    assert found.requests.host.to_array().tolist() == ["shop.test"]


def test_gzip_carriage_returns_byte_order_marks_and_zeros_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "access.log.1.gz"
    path.write_bytes(gzip.compress(b"\0" * 5000 + f"{COMBINED}\r\n\r\n{COMBINED}".encode()))
    assert len(Recording.from_access_log(path)) == 2
    path.write_bytes(f"\ufeff{COMBINED}\n".encode())
    assert len(Recording.from_access_log(path)) == 1
    path.write_bytes(COMBINED.encode("utf-16"))
    assert len(Recording.from_access_log(str(path), "combined")) == 1


def test_bytes_that_are_not_text_are_sent_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    line = COMBINED.encode()
    path.write_bytes(
        line.replace(b"/a", b"/\xff?\xe9") + b"\n" + line.replace(b"/a", rb"/\xC3\xA9")
    )
    assert [target for _, _, target in rows(Recording.from_access_log(path))] == [
        "/%FF?%E9",
        "/%C3%A9",
    ]


@pytest.mark.parametrize(
    ("content", "form", "message"),
    [
        ("", "auto", "access.log is empty: give the log of a web server"),
        (
            "a b c\n",
            "auto",
            "no line of .*access.log is of a format that is known.*; line 1 begins 'a b c'",
        ),
        ("\n{\n", "auto", "line 2 begins '{': it is not JSON"),
        (COMMON, "json", "line 1 begins '192.*': it is not JSON"),
        (COMMON, NGINX, r"it has '' where the format has ' \"'"),
        (COMMON.replace("200", "two hundred"), "common", "where the format has"),
        (COMMON, "$remote_addr", "format: lacks a time: the log needs"),
        (COMMON, "%h %t", "format: lacks the path of requests"),
        (COMMON, "Combined", "format='Combined' is unknown: give auto, common"),
        (COMMON, "no variables", "format='no variables' is not the format of a log"),
        (COMMON, "", "format='' is not the format of a log"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, content: str, form: str, message: str
) -> None:
    (tmp_path / "access.log").write_text(content)
    with pytest.raises(InputError, match=message):
        Recording.from_access_log(tmp_path / "access.log", form)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=re.escape(f"cannot read {tmp_path}/none.log: No such file")
    ):
        Recording.from_access_log(tmp_path / "none.log")


def test_a_window_is_in_the_times_of_the_log(tmp_path: Path) -> None:
    lines = [COMBINED.replace("09:00:00", f"{hour:02d}:30:00") for hour in range(8, 12)]
    assert log_of(tmp_path, *lines, window="09:30-11:00").counts.skipped == {"outside_window": 2}
    dated = "2026-03-14T09:00/2026-03-14T10:00"
    found = log_of(tmp_path, *lines, window=dated)
    assert found.started_at.isoformat() == "2026-03-14T08:30:00.500000+00:00"
    assert found.plan(BASE).recorded.made_by["window"] == dated  # type: ignore[union-attr]
    with pytest.raises(
        InputError, match=r"window='12:00-13:00' has none of 4 requests, which are from"
    ):
        log_of(tmp_path, *lines, window="12:00-13:00")
    lines += [COMBINED.replace("14/Mar", "15/Mar")]
    with pytest.raises(
        InputError, match=r"on 2 days of the log.*2026-03-14T09:00:00/2026-03-14T10"
    ):
        log_of(tmp_path, *lines, window="09:00-10:00")
    night = [
        COMBINED.replace("14/Mar/2026:09", day) for day in ("14/Mar/2026:23", "15/Mar/2026:00")
    ]
    assert len(log_of(tmp_path, *night, window="22:00-01:00")) == 2


def test_seeds_spread_whole_seconds_at_random(tmp_path: Path) -> None:
    lines = [COMBINED] * 40
    even, one, same, other = (
        log_of(tmp_path, *lines, spread=spread, seed=seed).requests.offset_s.tolist()
        for spread, seed in (("even", 1), ("random", 1), ("random", 1), ("random", 2))
    )
    assert even == pytest.approx([number / 40 for number in range(40)])
    assert one == same != other
    assert one == sorted(one)
    assert one[-1] < 1
    with pytest.raises(InputError, match=r"spread='first' is unknown: use even or random"):
        log_of(tmp_path, *lines, spread="first")


HOSTILE = st.text(
    st.characters(codec="utf-8") | st.sampled_from('"\\[]\0 -:/?#%\x1b\u202e'), max_size=80
)


@given(st.lists(HOSTILE | st.just(COMBINED), max_size=8))
def test_no_line_is_lost_and_none_does_harm(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.log"
    path.write_text("\n".join([COMBINED, *lines]), encoding="utf-8", newline="")
    collector = Collector()
    read_access_log(path, "combined", collector)
    found = collector.finish()
    assert found.read == len(found.columns) + sum(found.skipped.values())
    for target in found.columns.path.values:
        assert target.isascii()
        assert target.isprintable()
        assert " " not in target
        assert target.startswith("/")


@given(
    agent=st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\')),
    path=st.from_regex(r"/[!$&'()*+,\-./0-9:;=?@A-Z_a-z~]{0,40}", fullmatch=True),
    method=st.sampled_from(["GET", "HEAD", "DELETE"]),
    second=st.integers(0, 59),
)
def test_a_line_is_read_as_it_was_written(agent: str, path: str, method: str, second: int) -> None:
    reader = reader_of('%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"')
    entry = reader.read(
        f'192.0.2.1 - - [14/Mar/2026:09:00:{second:02d} +0000] "{method} {path} HTTP/1.1" 200 1'
        f' "-" "{agent}"'
    )
    assert not isinstance(entry, Skip)
    assert (entry.method, entry.target, entry.client) == (method, path, ("192.0.2.1", agent))
    assert entry.moment.ns == (1773478800 + second) * 10**9


@pytest.mark.parametrize(
    "line",
    [
        "a" * 1_000_000,
        '"' * 1_000_000,
        "\\" * 1_000_000,
        "[ " * 500_000,
        COMBINED.replace("/a", "/" + "a" * 1_000_000),
        COMBINED.replace("/a", "/" + "%3D&" * 16_000),
        COMBINED.replace("/a", "/" + "eyJa." * 13_000),
        COMBINED.replace("curl", "\\" * 999_999),
        '{"a":' * 100_000,
        '{"' + "a" * 1_000_000 + '":1}',
    ],
    ids=range(10),
)
def test_long_lines_take_no_long_time(tmp_path: Path, line: str) -> None:
    found = log_of(tmp_path, COMBINED, line, format="combined")
    assert found.counts.read == 2
    if line.startswith("{"):
        assert log_of(tmp_path, json.dumps(CADDY), line).counts.read == 2
