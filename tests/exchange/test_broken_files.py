from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.exchange.formats import SOURCES, detect
from benchlab.runs.run import Run

FORMATS = {
    "k6.json.gz": "k6-json",
    "k6.csv": "k6-csv",
    "vegeta.json": "vegeta-json",
    "vegeta.csv": "vegeta-csv",
    "oha.json": "oha-json",
    "oha.csv": "oha-csv",
    "jmeter.csv.jtl": "jtl-csv",
    "jmeter.xml.jtl": "jtl-xml",
    "locust_stats_history.csv": "locust-history",
    "locust.summary.csv": "locust-stats",
    "wrk2.txt": "hgrm",
    "wrk2.hgrm": "hgrm",
}
"""Files whose lines carry the error when they were damaged; other files are in tools/."""


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


@pytest.mark.parametrize(("name", "form"), FORMATS.items())
def test_formats_are_detected_by_content(tmp_path: Path, data: Path, name: str, form: str) -> None:
    nameless = tmp_path / "nameless"  # no extension to go by
    nameless.write_bytes((data / name).read_bytes())
    assert detect(nameless) == form


AT_THE_END = ["oha.json", "wrk2.txt", "wrk2.hgrm", "locust.summary.csv"]
GROWING = [name for name in FORMATS if name not in AT_THE_END]


def cut_in_a_line(text: str, share: float) -> str:
    end = int(len(text) * share)
    while text[end - 1] in "\r\n" or text[end] in ",\r\n":
        end -= 1
    return text[:end]


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.parametrize("share", [0.4, 0.85])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_grows_is_read_up_to_where_it_is_cut_off(
    tmp_path: Path, data: Path, name: str, share: float, packed: bool
) -> None:
    text = text_of(data / name)
    cut = cut_in_a_line(text, share)
    path = tmp_path / "cut"
    if packed:  # and the last bytes of the compressed file are missing
        whole_bytes = gzip.compress(text.encode())
        path.write_bytes(whole_bytes[: int(len(whole_bytes) * share)])
    else:
        path.write_text(cut)
    found, whole = import_file(path), import_file(data / name)
    assert type(found) is type(whole)
    if isinstance(found, Run) and isinstance(whole, Run):
        notes = found.environment["imported"]["notes"]
        assert 0 < found.summary.count < whole.summary.count
        assert set(found.samples.endpoints) <= set(whole.samples.endpoints)
    else:
        notes = found.notes  # type: ignore[union-attr]
        assert 0 < len(found.timeline) < len(whole.timeline)  # type: ignore[union-attr]
    (line,) = re.findall(r"cut off in line ([\d,]+): what is before", "\n".join(notes))
    assert packed or int(line.replace(",", "")) == cut.count("\n") + 1


@pytest.mark.parametrize("name", AT_THE_END)
@pytest.mark.parametrize("share", [0.4, 0.85])
def test_a_result_written_at_the_end_is_refused_if_it_is_cut_off(
    tmp_path: Path, data: Path, name: str, share: float
) -> None:
    text = text_of(data / name)
    cut = cut_in_a_line(text, share)
    if name == "wrk2.txt":
        cut = text[: text.index("0.971875") + 4]
    path = tmp_path / "cut"
    path.write_text(cut)
    line = cut.count("\n") + 1
    has_line = name in ("oha.json", "wrk2.txt")
    with pytest.raises(InputError, match=rf"{path}:{line}: " if has_line else str(path)):
        import_file(path)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings_of_windows_are_read(
    tmp_path: Path, data: Path, name: str, encoding: str
) -> None:
    path = tmp_path / name.removesuffix(".gz")
    path.write_bytes(text_of(data / name).replace("\n", "\r\n").encode(encoding))
    found, plain = import_file(path), import_file(data / name)
    if isinstance(found, Run) and isinstance(plain, Run):
        assert found.samples.records.tobytes() == plain.samples.records.tobytes()
        assert found.samples.endpoints == plain.samples.endpoints
    else:
        assert {**found.to_dict(), "id": ""} == {**plain.to_dict(), "id": ""}


@pytest.mark.parametrize(
    ("name", "line", "change", "says"),
    [
        ("k6.json.gz", 12, lambda text: text.replace('"value":', '"valeu":'), "'value' is missing"),
        ("k6.json.gz", 20, lambda text: text.replace(":", "", 1), "delimiter"),
        ("k6.csv", 5, lambda text: text + ",more", "has 20 columns, the header 19"),
        ("k6.csv", 4, lambda text: text.replace("http_req_", "http_req_x,", 1), "columns"),
        ("vegeta.json", 7, lambda text: text.replace('"code":', '"cod":'), "'code' is missing"),
        ("vegeta.json", 3, lambda text: text.replace("2026-", "20x6-", 1), "20x6"),
        ("vegeta.csv", 9, lambda text: text.replace(",", ";"), "columns, expected 9, 11, 12"),
        (
            "vegeta.csv",
            2,
            lambda text: text.replace(",405,", ",4050,"),
            "4050 is not an HTTP status",
        ),
        ("oha.csv", 6, lambda text: text + "x", "invalid literal"),
        ("jmeter.csv.jtl", 8, lambda text: text.replace("17956", "a17956", 1), "is not a time"),
        (
            "jmeter.csv.jtl",
            1,
            lambda text: text.replace("success", "succes"),
            "success are mis",
        ),
        ("jmeter.xml.jtl", 6, lambda text: text.replace(' t="', ' t="x', 1), "invalid literal"),
        ("jmeter.xml.jtl", 6, lambda text: text.replace('t="', "t=", 1), "XML is broken"),
        ("locust_stats_history.csv", 3, lambda text: text.replace(",3,", ",three,", 1), "three"),
        ("wrk2.txt", 30, lambda text: text.replace("1", "x"), "is not a row of the table"),
        ("wrk2.hgrm", -3, lambda text: text.replace("8.095", "8.0.95"), "could not convert"),
        ("wrk2.hgrm", -2, lambda text: text.replace("78.272", "78.2.2"), "could not convert"),
        ("wrk2.hgrm", -2, lambda text: text.replace("160", "1.6.0"), "could not convert"),
        ("wrk2.hgrm", -2, lambda text: text.replace("78", "9" * 400), "not a number"),
        ("wrk2.hgrm", 9, lambda text: " 0.1 0.6 96 2.50", "decreases here"),
        ("oha.json", 3, lambda text: text.replace(":", ""), "JSON is broken"),
    ],
)
def test_a_broken_line_is_refused_with_its_number(
    tmp_path: Path, data: Path, name: str, line: int, change: Callable[[str], str], says: str
) -> None:
    lines = text_of(data / name).splitlines()
    line = line if line > 0 else len(lines) + line + 1
    changed = change(lines[line - 1])
    assert changed != lines[line - 1]
    path = tmp_path / "broken"
    path.write_text("\n".join([*lines[: line - 1], changed, *lines[line:]]) + "\n")
    with pytest.raises(InputError, match=rf"{path}:{line}: .*{says}"):
        import_file(path, source=FORMATS[name])


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("oha.json", b'"total"', b'"x": ' + b"[" * 100_000, "nested too deeply"),
        ("wrk2.txt", b"40.42", b"4.0.2", "is not a complete result of wrk2: could not convert"),
        ("oha.json", b'"slowest": ', b'"slowest": 1e999, "x": ', "is not a complete result of oha"),
        ("vegeta.json", b'"code":', b'"x":' + b"[" * 100_000, r":1: .*recursion"),
        ("jmeter.xml.jtl", b"UTF-8", b"truth", "unknown encoding"),
        ("jmeter.xml.jtl", b' by="', b' by="99999999999999999999', r":\d+: .*too large"),
    ],
)
def test_absurd_content_is_refused(
    tmp_path: Path, data: Path, name: str, old: bytes, new: bytes, says: str
) -> None:
    path = tmp_path / "absurd"
    whole = (data / name).read_bytes()
    assert old in whole
    path.write_bytes(whole.replace(old, new, 1))
    with pytest.raises(InputError, match=f"{path}.*{says}"):
        import_file(path, source=FORMATS[name])


def test_damaged_gzip_is_refused(tmp_path: Path, data: Path) -> None:
    packed = bytearray((data / "k6.json.gz").read_bytes())
    path = tmp_path / "damaged.gz"
    for place in (30, 3000):
        packed[place : place + 40] = b"\xff" * 40
        path.write_bytes(packed)
        with pytest.raises(InputError, match=str(path)):
            import_file(path, source="k6-json")


def test_missing_empty_and_unknown_files_are_refused(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(InputError, match=r"cannot read .*No such file"):
        import_file(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        import_file(path)
    path.write_bytes(b"hello\n")
    with pytest.raises(InputError, match=r"is not a result file that benchlab knows: .*--help"):
        import_file(path)
    path.write_bytes(b"\x1f\x8bhello")
    with pytest.raises(InputError, match="cannot read"):
        import_file(path)
    with pytest.raises(InputError, match="'k7' is unknown: use one of parquet"):
        import_file(path, source="k7")
    with pytest.raises(InputError, match="unit 'min' is unknown: use one of ns"):
        import_file(path, unit="min")
    with pytest.raises(InputError, match="cannot read"):
        import_file(tmp_path)


@pytest.mark.parametrize("form", [name for name in SOURCES if name not in ("arrow", "parquet")])
def test_an_error_about_the_wrong_format_names_the_file(tmp_path: Path, form: str) -> None:
    path = tmp_path / "file"
    path.write_text("hello, world\nhello\n")
    with pytest.raises(InputError, match=str(path)):
        import_file(path, source=form)


@pytest.mark.parametrize("name", ["wrk2.hgrm", "oha.csv", "oha.json", "locust_stats_history.csv"])
@pytest.mark.parametrize("url", ["http://[::1", "http://me:PW#SECRET@h/", "me:SECRET@h"])
def test_an_invalid_url_is_refused_without_its_password(data: Path, name: str, url: str) -> None:
    with pytest.raises(InputError, match=r"^url='") as caught:
        import_file(data / name, url=url)
    assert "SECRET" not in str(caught.value)
    assert "PW" not in str(caught.value)


def test_a_file_without_requests_is_refused(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "empty.jtl"
    path.write_text((data / "jmeter.csv.jtl").read_text().splitlines()[0] + "\n")
    with pytest.raises(InputError, match="holds no requests"):
        import_file(path)


def test_endpoints_after_the_first_thousand_are_merged(tmp_path: Path, data: Path) -> None:
    hit = json.loads((data / "vegeta.json").read_text().splitlines()[0])
    path = tmp_path / "many.json"
    hits = [{**hit, "url": f"http://127.0.0.1/{n}?q={n % 7}"} for n in range(1500)]
    path.write_text("".join(json.dumps(each, separators=(",", ":")) + "\n" for each in hits))
    run = import_file(path)
    assert isinstance(run, Run)
    counts = {name: part.count for name, part in run.by_endpoint().items()}
    assert len(counts) == 1001
    assert counts["GET /999"] == 1
    assert counts["(other requests)"] == 500


@pytest.mark.parametrize(
    ("form", "start", "filling", "says"),
    [
        ("k6-json", "", "[", ":1: the line is longer than 64 MB"),
        ("k6-csv", "", ",", ":1: the line is longer than 64 MB"),
        ("vegeta-json", "", "[", ":1: the line is longer than 64 MB"),
        ("vegeta-csv", "", '"', ":1: the line is longer than 64 MB"),
        ("oha-json", "{", " ", ": the file is longer than 64 MB"),
        ("oha-csv", "", "a", ":1: the line is longer than 64 MB"),
        ("jtl-csv", "", "a", ":1: the line is longer than 64 MB"),
        ("jtl-xml", '<testResults>\n<sample a="', "a", ":2: the element is longer than 4 MB"),
        (
            "jtl-xml",
            '<testResults><sample t="1">\n<java.net.URL>',
            "a",
            ":[12]: the text is longer than 64 MB",
        ),
        ("locust-history", "", "a", ":1: the line is longer than 64 MB"),
        ("hgrm", "", "a", ":1: the line is longer than 64 MB"),
    ],
)
def test_a_huge_line_is_refused_without_reading_it_into_memory(
    tmp_path: Path, form: str, start: str, filling: str, says: str
) -> None:
    path = tmp_path / "huge.gz"
    member = gzip.compress(filling.encode() * 1_000_000)
    path.write_bytes(gzip.compress(start.encode()) + member * 100)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=f"{path}{says}"):
            import_file(path, source=form)
        peak_mb = tracemalloc.get_traced_memory()[1] // 1_000_000
    finally:
        tracemalloc.stop()
    assert peak_mb < 150, "the longest piece that is read, and a copy of it"


@pytest.mark.parametrize("row", ['"\n",', ","])
def test_a_row_without_end_is_refused_without_reading_it_into_memory(
    tmp_path: Path, row: str
) -> None:
    path = tmp_path / "endless.gz"
    path.write_bytes(gzip.compress(row.encode() * 300_000) * 50)
    tracemalloc.start()
    try:
        with pytest.raises(
            InputError, match=rf"{path}:\d+: the row has over 100,000 fields or lines"
        ):
            import_file(path, source="vegeta-csv")
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


MEASURE = """
import resource, sys
from benchlab.exchange import import_file
run = import_file(sys.argv[1])
print(len(run.samples), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_big_file_needs_little_memory(tmp_path: Path, data: Path) -> None:
    """100 MB of responses with bodies; only a 56-byte record of each is held."""
    hit = json.loads((data / "vegeta.json").read_text().splitlines()[0])
    hit["body"] = "A" * 20_000
    line = json.dumps(hit, separators=(",", ":")) + "\n"
    peaks_mb = []
    for count in (100, 5_000):
        path = tmp_path / f"{count}.json"
        with path.open("w") as file:
            file.writelines(line for _ in range(count))
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True
        )
        read_count, peak_mb = map(int, done.stdout.split())
        assert read_count == count
        peaks_mb.append(peak_mb)
    path.unlink()
    assert peaks_mb[1] - peaks_mb[0] < 40
