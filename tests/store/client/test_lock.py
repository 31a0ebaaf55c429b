from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchlab.errors import StoreBusyError, StoreError
from benchlab.store import Store
from benchlab.store.client import lock
from benchlab.store.client.lock import ticket

ROOT = Path(__file__).parents[3]

HOLD = """
import sys
from benchlab.store import Store
with Store(sys.argv[1]).connect():
    print("in", flush=True)
    sys.stdin.read()
"""

WORK = """
import sys, time
sys.path.insert(0, sys.argv[1])
from tests.store.stored_runs import make_run
from benchlab.store import Store
store = Store()
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    if sys.argv[3] == "writer":
        run = make_run(200, seed=number)
        store.save(run)
        assert len(store.load(run.id).samples) == 200
        print(time.monotonic(), run.id, flush=True)
    else:
        assert store.runs() is not None
        store.query_df("SELECT sum(request_count) FROM per_second")
        print(time.monotonic(), "read", flush=True)
"""


@contextmanager
def holder(store: Store) -> Iterator[subprocess.Popen[str]]:
    """A process that has the store open until its standard input closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, store.location],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "in\n"
        yield process
        process.stdin.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_QUIET_S", 0.05)


@pytest.mark.usefixtures("impatient")
def test_timeout_error_names_the_holder(embedded_store: Store) -> None:
    with holder(embedded_store) as process:
        with pytest.raises(StoreBusyError) as caught:
            Store(embedded_store.location, wait_s=0.1).runs()
        message = str(caught.value)
        assert f"process {process.pid}, " in message
        assert "gave up after 0.1 s" in message
        assert "EmbeddedServer" not in message


@pytest.mark.usefixtures("impatient")
def test_waiting_is_reported_once_and_ends_when_the_holder_leaves(embedded_store: Store) -> None:
    messages: list[str] = []
    with holder(embedded_store) as process:

        def on_wait(message: str) -> None:
            messages.append(message)
            assert process.stdin is not None
            process.stdin.close()

        assert Store(embedded_store.location, on_wait=on_wait).runs().empty
    assert len(messages) == 1
    assert messages[0].startswith(f"waiting for the store: process {process.pid}, python, for ")


@pytest.mark.usefixtures("impatient")
def test_waiting_is_reported_on_standard_error(
    embedded_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with holder(embedded_store), pytest.raises(StoreBusyError):
        Store(embedded_store.location, wait_s=0.1).runs()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("waiting for the store: process ")


def test_a_killed_holder_is_not_waited_for(embedded_store: Store) -> None:
    with holder(embedded_store) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert Store(embedded_store.location, wait_s=30).runs().empty


@pytest.mark.timeout(300)
@pytest.mark.parametrize("turns", [pytest.param(20, marks=pytest.mark.soak), 3])
def test_many_processes_write_and_read_at_once(embedded_store: Store, turns: int) -> None:
    """Four processes write and four read ``turns`` times; one more is killed while it has the
    store. Once the first of them is done, each has had half as many turns or more.
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, str(ROOT), str(turns), part],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in ["writer", "reader"] * 4
    ]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 8
    with holder(embedded_store) as victim:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        victim.kill()
    ends, saved = [], []
    for process in processes:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        printed = [line.split() for line in out.splitlines()]
        ends.append([float(end) for end, _ in printed])  # by a clock that all have in common
        saved += [run_id for _, run_id in printed if run_id != "read"]
    first = min(end[-1] for end in ends)
    assert min(sum(at <= first for at in end) for end in ends) >= turns / 2, "they take turns"
    assert sorted(embedded_store.runs()["run_id"]) == sorted(saved)
    counts = embedded_store.query_df(
        "SELECT count() / 200 AS samples, uniqExact(run_id) AS runs,"
        " (SELECT sum(request_count) FROM per_second) / 200 AS rolled_up FROM samples"
    ).iloc[0]
    assert set(counts) == {len(saved)}


def test_threads_take_turns(embedded_store: Store) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                with embedded_store.connect() as client:
                    assert client.query("SELECT 1").result_rows == [(1,)]
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_error_names_another_thread_of_this_process(embedded_store: Store) -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with embedded_store.connect():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    with pytest.raises(StoreBusyError, match="another thread of this process"):
        Store(embedded_store.location, wait_s=0).runs()
    leave.set()
    thread.join()


def test_connecting_again_inside_uses_the_same_client(embedded_store: Store) -> None:
    with embedded_store.connect() as outer:
        with embedded_store.connect() as inner:
            assert inner is outer
        assert embedded_store.runs().empty
        assert len(embedded_store.query_df("SELECT 1 AS one")) == 1
        assert outer.query("SELECT 1").result_rows == [(1,)]
        # Another store object on the same place, as a library inside may make one.
        assert Store(embedded_store.location).runs().empty


def test_opening_a_second_embedded_store_is_a_clear_error(
    embedded_store: Store, tmp_path: Path
) -> None:
    other = Store(f"chdb://{tmp_path / 'other'}")
    with embedded_store.connect(), pytest.raises(StoreError, match="opens one at a time"):
        other.runs()
    assert other.runs().empty


def test_a_broken_holder_note_does_no_harm(embedded_store: Store, own_data: Path) -> None:
    embedded_store.runs()
    note = own_data / "store" / lock.HOLDER_NAME
    assert json.loads(note.read_text())["pid"] == os.getpid()
    note.write_text("{")
    assert lock._describe_holder(own_data / "store") == "another process"
    assert embedded_store.runs().empty


def test_a_new_store_is_private_to_its_user(tmp_path: Path) -> None:
    assert Store(f"chdb://{tmp_path / 'new' / 'store'}").runs().empty
    assert (tmp_path / "new" / "store").stat().st_mode & 0o777 == 0o700
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o770)
    assert Store(f"chdb://{shared}").runs().empty
    assert shared.stat().st_mode & 0o777 == 0o770, "its creator decided"


def test_a_working_directory_that_was_deleted_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(f"chdb://{tmp_path / 'store'}")
    assert store.runs().empty
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(StoreError, match="cannot open the store"):
        store.runs()


def test_path_that_is_not_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write the store") as caught:
        Store(f"chdb://{tmp_path / 'file' / 'store'}").runs()
    assert "BENCHLAB_DSN=" in str(caught.value)


def test_directory_without_write_permission() -> None:
    """Root may write anywhere, so the store is opened by a process without that right."""
    code = textwrap.dedent("""
        import os, sys, filelock
        from benchlab.errors import StoreError
        from benchlab.store import Store
        if os.getuid() == 0:
            os.setuid(65534)
        try:
            Store(f"chdb://{sys.argv[1]}/store").runs()
        except StoreError as exc:
            print(exc)
    """)
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "store").mkdir()
        Path(directory).chmod(0o755)
        (Path(directory) / "store").chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", code, directory], capture_output=True, text=True, check=True
        )
    assert done.stdout.startswith(f"cannot write the store {directory}/store (Permission denied)")
    assert done.stdout.count("\n") == 1


def test_waiting_time_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, embedded_store: Store
) -> None:
    for text in ("soon", "nan", "-1"):
        monkeypatch.setenv("BENCHLAB_STORE_WAIT_S", text)
        with pytest.raises(ValueError, match=f"BENCHLAB_STORE_WAIT_S='{text}'"):
            Store(embedded_store.location)


def test_waiting_without_a_limit(monkeypatch: pytest.MonkeyPatch, embedded_store: Store) -> None:
    monkeypatch.setattr(lock, "_QUIET_S", 0)
    monkeypatch.setenv("BENCHLAB_STORE_WAIT_S", "inf")
    reported = threading.Event()
    patient = Store(embedded_store.location, on_wait=lambda _: reported.set())
    with ThreadPoolExecutor(1) as pool:
        with embedded_store.connect():
            count = pool.submit(lambda: len(patient.runs()))
            assert reported.wait(60)
        assert count.result(60) == 0


def test_a_script_from_standard_input_is_named_python(embedded_store: Store) -> None:
    note = Path(embedded_store.location.removeprefix("chdb://")) / lock.HOLDER_NAME
    script = f"""
from pathlib import Path
from benchlab.store import Store
with Store({embedded_store.location!r}).connect():
    print(Path({str(note)!r}).read_text())
"""
    done = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["command"] == "python"


def test_tickets_are_served_in_order_of_arrival(tmp_path: Path) -> None:
    with ticket(tmp_path / "queue") as early:
        assert early.is_first()
        with ticket(tmp_path / "queue") as late:
            assert not late.is_first()
            assert early.is_first()
    assert list((tmp_path / "queue").iterdir()) == []


def test_the_next_ticket_is_first_once_the_earlier_is_returned(tmp_path: Path) -> None:
    earlier = ticket(tmp_path / "queue")
    assert earlier.__enter__().is_first()
    with ticket(tmp_path / "queue") as late:
        assert not late.is_first()
        earlier.__exit__(None, None, None)
        assert late.is_first()


def test_a_dead_processs_ticket_is_skipped_and_removed(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir()
    left = tmp_path / "queue" / f"{time.time_ns():020d}-0"
    left.touch()
    with ticket(tmp_path / "queue") as late:
        assert not late.is_first(), "it may still wait"
        os.utime(left, (time.time() - 5, time.time() - 5))
        assert late.is_first()
        assert not left.exists()


def test_a_live_ticket_that_was_removed_is_made_again(tmp_path: Path) -> None:
    with ticket(tmp_path / "queue") as early, ticket(tmp_path / "queue") as late:
        assert early.is_first()
        (mine,) = (tmp_path / "queue").iterdir()
        mine.unlink()
        assert late.is_first()
        assert early.is_first()
        assert not late.is_first()


def test_without_a_queue_every_ticket_is_first(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with ticket(tmp_path / "file" / "queue") as nowhere:
        assert nowhere.is_first()
