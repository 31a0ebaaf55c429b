"""Times as logs write them, and windows of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.recording.moments import (
    Moment,
    Window,
    read_clf,
    read_epoch,
    read_iso,
    read_strftime,
)
from benchlab.units import NS_PER_S

NINE_NS = 1773475200 * NS_PER_S  # 2026-03-14T08:00:00Z, which is 09:00 in +01:00
QUARTER = NINE_NS + 250_000_000
MORNING = datetime(2026, 3, 14, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (read_clf("14/Mar/2026:09:00:00 +0100"), Moment(NINE_NS, 3600, True)),
        (read_clf("[14/Mar/2026:09:00:00.25 +0100]"), Moment(QUARTER, 3600, False)),
        (read_clf("14/Mar/2026:08:00:00"), Moment(NINE_NS, 0, True)),
        (read_clf("14/Mrz/2026:08:00:00"), None),
        (read_clf("31/Feb/2026:08:00:00"), None),
        (read_clf("-"), None),
        (read_iso("2026-03-14T09:00:00+01:00"), Moment(NINE_NS, 3600, True)),
        (read_iso("2026-03-14 08:00:00.000Z"), Moment(NINE_NS, 0, False)),
        (read_iso("2026-03-14T08:00:00.123456789012"), Moment(NINE_NS + 123_456_789, 0, False)),
        (read_iso("2026-03-14T03:00:00-0500"), Moment(NINE_NS, -18_000, True)),
        (read_iso("2016-12-31T23:59:60Z"), Moment(1483228800 * NS_PER_S, 0, True)),
        (read_iso("2026-03-14T25:00:00Z"), None),
        (read_iso("1900-01-01T00:00:00Z"), None),
        (read_epoch("1773475200"), Moment(NINE_NS, 0, True)),
        (read_epoch(1773475200.25), Moment(QUARTER, 0, False)),
        (read_epoch("1773475200250"), Moment(QUARTER, 0, False)),
        (read_epoch("1773475200250000"), Moment(QUARTER, 0, False)),
        (read_epoch("1773475200250000001"), Moment(NINE_NS + 250_000_001, 0, False)),
        (read_epoch("1.7734752e9"), Moment(NINE_NS, 0, False)),
        (read_epoch("nan"), None),
        (read_epoch("-1"), None),
        (read_epoch("1e300"), None),
        (read_epoch("x"), None),
        (read_strftime("14.03.26 09:00 +0100", "%d.%m.%y %H:%M %z"), Moment(NINE_NS, 3600, True)),
        (read_strftime("x", "%d"), None),
    ],
)  # fmt: skip
def test_times_of_logs(found: Moment | None, expected: Moment | None) -> None:
    assert found == expected


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1)),
    st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters))),
)
def test_a_time_is_read_to_the_microsecond(naive: datetime, zone: timezone) -> None:
    moment = naive.replace(tzinfo=zone)
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    ns = (since // timedelta(microseconds=1)) * 1000
    offset = int((zone.utcoffset(None) or timedelta()).total_seconds())
    if ns >= 0:
        assert read_iso(moment.isoformat(timespec="microseconds")) == Moment(ns, offset, False)
        clf = read_clf(f"{moment:%d/%b/%Y:%H:%M:%S %z}")
        assert clf == Moment(ns // NS_PER_S * NS_PER_S, offset, True)


def moment_at(hour: int, minute: int, day: int = 14) -> Moment:
    """A moment in +01:00."""
    local = datetime(2026, 3, day, hour, minute, tzinfo=UTC)
    return Moment(int(local.timestamp() - 3600) * NS_PER_S, 3600, True)


@pytest.mark.parametrize(
    ("given", "inside", "outside"),
    [
        ("10:00-10:05", (10, 4), (10, 5)),
        ("10:00 – 10:05:30", (10, 5), (10, 6)),
        ("23:59-00:05", (0, 4), (0, 5)),
        ("22:00-24:00", (23, 59), (0, 0)),
        (("10:00", "10:05"), (10, 0), (9, 59)),
        ("2026-03-14T10:00/2026-03-14T10:05", (10, 4), (10, 5)),
        ("2026-03-14 10:00 - 2026-03-14 10:05", (10, 4), (10, 5)),
        ("2026-03-14T09:00Z to 2026-03-14T09:05Z", (10, 4), (10, 5)),
        ("2026-03-14..2026-03-15", (23, 59), None),
        ((datetime(2026, 3, 14, 10), datetime(2026, 3, 14, 10, 5)), (10, 4), (10, 5)),
        ((MORNING, MORNING + timedelta(minutes=5)), (10, 4), (10, 5)),
    ],
)  # fmt: skip
def test_windows(given: Any, inside: tuple[int, int], outside: tuple[int, int] | None) -> None:
    window = Window.parse(given)
    assert window.day_of(moment_at(*inside)) is not None
    assert outside is None or window.day_of(moment_at(*outside)) is None
    again = Window.parse(window.text)
    assert (again.start_ns, again.end_ns, again.daily) == (
        window.start_ns,
        window.end_ns,
        window.daily,
    )


def test_a_window_over_midnight_is_of_the_day_it_begins_on() -> None:
    window = Window.parse("23:00-01:00")
    assert window.day_of(moment_at(23, 30)) == window.day_of(moment_at(0, 30, day=15))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("10:00", "window='10:00' is not a window of time: write it as 10:00-10:05"),
        ("10:00-", "has '', which is not a time"),
        ("a-b", "has 'a', which is not a time"),
        ("10:00-25:00", "has 25:00, which no clock shows"),
        ("10:70-11:00", "has 10:70, which no clock shows"),
        ("10:00-10:00", "ends before it begins"),
        ("2026-03-15/2026-03-14", "ends before it begins"),
        ("2026-03-14T10:00/10:05", "has two kinds of times"),
        ("2026-03-14T10:00Z/2026-03-14T10:05", "has two kinds of times"),
        ((1, 2), "is not a window of time"),
    ],
)
def test_what_is_no_window(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Window.parse(given)
