from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.store import Store
from benchlab.store.client.dsn import default_dsn, parse_dsn


def test_default_is_in_the_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHLAB_DATA_DIR", "/somewhere")
    assert default_dsn() == "chdb:///somewhere/store"


def test_embedded_path_is_normalised(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert parse_dsn(f"chdb://{tmp_path}/link/").path == tmp_path / "real"
    assert parse_dsn("chdb:///a%20b").path == Path("/a b")


def test_server() -> None:
    dsn = parse_dsn("https://me:p%40ss@ch.example:9999/lab?verify=false")
    assert (dsn.host, dsn.port, dsn.user, dsn.password) == ("ch.example", 9999, "me", "p@ss")
    assert (dsn.database, dsn.options) == ("lab", (("verify", "false"),))
    assert parse_dsn("http://h").port == 8123
    assert parse_dsn("https://h").port == 8443
    assert parse_dsn("http://h").database == "default"


def test_password_is_never_shown() -> None:
    dsn = parse_dsn("http://me:hunter2@h/lab")
    assert str(dsn) == "http://me:***@h:8123/lab"
    assert "hunter2" not in repr(dsn)
    assert "hunter2" not in repr(Store("http://me:hunter2@h/lab"))
    assert dsn.redact("401 for me:hunter2") == "401 for me:***"
    assert parse_dsn("http://me:a%2Fb%40cde@h").redact("a%2Fb%40cde, a/b@cde") == "***, ***"


def test_redaction_does_not_reveal_a_short_password() -> None:
    dsn = parse_dsn("http://me:p@h/lab")
    assert dsn.redact("http://me:p@h/lab: no port, password p") == (
        "http://me:***@h/lab: no port, password ***"
    )


@pytest.mark.parametrize("option", ["connect_timeout=abc", "send_receive_timeout=0"])
def test_an_invalid_timeout_is_named_in_the_error(option: str) -> None:
    with pytest.raises(InputError, match=f"has {option}: write whole seconds"):
        parse_dsn(f"http://h/lab?{option}")


@pytest.mark.parametrize(
    "text",
    [
        "mysql://me:hunter2@h/x",
        "http://me:hunter2@h:port/x",
        "http://me:hunter2@h:99999/x",
        "http://me:hunter2@/x",
        "http://me:hunter2@[::1/x",
        "http://me:hunter2@h/x;drop",
        "http://me:hunter2@h/x?password=hunter2",
        "chdb://relative/path",
        "chdb://",
        "me:hunter2@h",
        "http://me:hun/ter2@h/x",
    ],
)
def test_unusable_dsn_is_an_input_error_without_the_password(text: str) -> None:
    with pytest.raises(InputError, match="BENCHLAB_DSN") as caught:
        Store(text)
    assert "ter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
