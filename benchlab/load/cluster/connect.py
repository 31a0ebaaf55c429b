"""A connection to a Dask cluster: our own client, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import re
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from benchlab.errors import InputError, RunError, WorkerError, causes_of, error_from_data
from benchlab.extras import require_extra
from benchlab.load.cluster import calls
from benchlab.load.cluster.asked import Cluster
from benchlab.load.supervisor.stop_signal import StopSignal
from benchlab.redact import public_url
from benchlab.text import listed, plural
from benchlab.version import __version__

__all__ = [
    "ClusterConnection",
    "HostGoneError",
    "HostUnreachableError",
    "connected",
    "scheduler_of",
]

T = TypeVar("T")

_CONNECT_S = 20.0
_DIRECT_S = 3.0
_ASK_S = 2.0
_CLOSE_S = 5.0
_THREAD = "benchlab-cluster"
_LOGGERS = ("distributed.client", "distributed.comm.tcp", "distributed.core", "tornado.application")
_EXAMPLE = "tcp://scheduler:8786"
_ADDRESS = re.compile(
    r"(?:(?:tcp|tls|ws|wss|ucx|ucxx)://)?(?:\[[0-9a-fA-F:.%]+\]|[^\s/:\[\]]+):\d{1,5}/?|inproc://\S+"
)
"""Dask itself tries anything, for as long as it waits for a scheduler."""
_VERSIONS = (
    "(tuple(__import__('sys').version_info[:2]), __import__('benchlab').__version__"
    " if __import__('importlib.util').util.find_spec('benchlab') else '')"
)
"""What a Dask worker is asked for first: it may have no benchlab whose functions it could call."""


class HostUnreachableError(Exception):
    """A Dask worker does not respond; if it ``is_gone``, another process has its address."""

    is_gone = False


class HostGoneError(HostUnreachableError):
    """The Dask worker, or the agent in it, that was talked to has ended."""

    is_gone = True


def scheduler_of(cluster: Cluster) -> tuple[str, Any]:
    """The address of a cluster's scheduler, and Dask's security settings for it (None: usual).

    Raises:
        InputError: ``cluster`` is nothing of that kind.
    """
    if isinstance(cluster, str):
        if not _ADDRESS.fullmatch(cluster.strip()):
            raise InputError(
                "is not the address of a Dask scheduler",
                field="cluster",
                value=public_url(cluster),
                remedy=f"write {_EXAMPLE}, or tls:// if it has certificates",
            )
        return cluster.strip(), None
    security = getattr(cluster, "security", None)
    address = getattr(cluster, "scheduler_address", None)  # of a cluster object
    if address is None:
        address = getattr(getattr(cluster, "scheduler", None), "address", None)  # of a client
    if not isinstance(address, str) or not address:
        raise InputError(
            "is neither the address of a Dask scheduler nor a connected dask.distributed.Client",
            field="cluster",
            value=cluster,
            remedy=f"give an address such as {_EXAMPLE}, or a Client",
        )
    return address, security


@contextmanager
def connected(cluster: Cluster, stop: StopSignal | None = None) -> Iterator[ClusterConnection]:
    """Connect to the scheduler of ``cluster`` and to its Dask workers; disconnect in the end.

    Raises:
        InputError: the address is wrong, nobody listens there, there are no Dask workers, or some
            have another version of benchlab or Python. Its field is ``cluster``.
        MissingPackageError: the extra ``cluster`` is not installed.
        KeyboardInterrupt: ``stop`` was requested first.
    """
    require_extra("cluster")
    connection = ClusterConnection(*scheduler_of(cluster), stop=stop)
    try:
        connection.open()
        yield connection
    finally:
        connection.close()


class ClusterConnection:
    """Calls functions of benchlab inside the Dask workers of a cluster. Thread-safe.

    ``scheduler`` is the scheduler's address without credentials. ``dask_workers`` are the addresses
    of the Dask workers, in an order that stays the same while they do.
    """

    def __init__(self, address: str, security: Any = None, stop: StopSignal | None = None) -> None:
        self._address = address
        self._security = security
        self._stop = stop
        self._client: Any = None
        self._direct = False
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_report_unexpected)
        self._thread = threading.Thread(target=self._serve, name=_THREAD, daemon=True)
        self.scheduler = public_url(address)
        self.dask_workers: tuple[str, ...] = ()

    @property
    def is_aborted(self) -> bool:
        """Whether the run was told to end at once."""
        return self._stop is not None and self._stop.level > 1

    def open(self) -> None:
        """Connect; see `connected`."""
        import distributed  # noqa: F401 - takes a second, and is not for the event loop's thread

        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_of_others)
        self._thread.start()
        self.wait(self.submit(self._open()))

    def close(self) -> None:
        """Disconnect. Nothing of Dask's is left: no task, thread or socket. May be repeated."""
        if self._thread.ident is None or self._loop.is_closed():
            if not self._loop.is_closed():
                self._loop.close()
            return
        with suppress(Exception):  # the scheduler is gone
            self.submit(self._close()).result(_CLOSE_S + 1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(_of_others)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Carry out ``work`` in the event loop of this connection."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wait(self, doing: Future[T]) -> T:
        """The result of what was submitted.

        Raises:
            KeyboardInterrupt: the run was stopped first.
        """
        try:
            while True:
                with suppress(NotYet):
                    return doing.result(0.1)
                if doing.done():
                    return doing.result()
                if self._stop is not None and self._stop.level:
                    raise KeyboardInterrupt
        except BaseException:
            doing.cancel()
            raise

    def post(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function in the thread of this connection, soon."""
        self._loop.call_soon_threadsafe(function, *args)

    def finish(self, doing: Sequence[Coroutine[Any, Any, T]]) -> list[T | BaseException]:
        """Carry out all of ``doing`` at once and to their ends, even if a stop is requested.

        Returns what each of them returned or raised.
        """

        async def all_of_them() -> list[T | BaseException]:
            return await asyncio.gather(*doing, return_exceptions=True)

        return self.submit(all_of_them()).result()

    async def call(
        self,
        address: str,
        function: Callable[..., T],
        *args: Any,
        timeout_s: float,
        inline: bool = False,
    ) -> T:
        """Call a ``function`` of benchlab's in the Dask worker at ``address``.

        It runs in a thread of its own; ``inline`` in the Dask worker's event loop, for what is
        quick and must not wait for a thread.

        Raises:
            BenchlabError: the function raised it.
            HostUnreachableError: there was no response within ``timeout_s``; whether the function
                was called is not known. It is a HostGoneError if that never will be.
            RunError: the function raised something else.
        """
        work = calls.packed(function, *args)
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._send(address, op=calls.OPERATION, work=work, inline=inline)
        except TimeoutError as exc:
            raise HostUnreachableError(f"no response within {timeout_s:g} s") from exc
        except OSError as exc:
            raise HostUnreachableError(str(exc) or type(exc).__name__) from exc
        except Exception as exc:  # what Dask makes of a Dask worker that is gone or closing
            raise HostUnreachableError(f"{type(exc).__name__}: {exc}") from exc
        if not isinstance(reply, Mapping):  # another process at this address has no such operation
            raise HostGoneError("another Dask worker has its address")
        if reply["status"] == "error":
            raise error_from_data(reply["error"])
        if reply["status"] != "OK":
            raise RunError(f"the host {address} failed: {reply['text']}")
        result: T = pickle.loads(reply["result"])
        return result

    async def has(self, address: str) -> bool:
        """Whether the scheduler knows a Dask worker at ``address``; True if it does not respond.

        It notices at once when a Dask worker's process ends, not when a link is cut.
        """
        try:
            async with asyncio.timeout(_ASK_S):
                found = await self._client.scheduler.identity()
        except Exception:  # the scheduler is gone, or cannot be reached
            return True
        return address in found["workers"]

    def call_each(
        self,
        function: Callable[..., T],
        *args: Any,
        addresses: Sequence[str] | None = None,
        timeout_s: float,
    ) -> dict[str, T | Exception]:
        """Call ``function`` in all Dask workers, or some, at once: results by their addresses."""

        async def each() -> list[T | BaseException]:
            return await asyncio.gather(
                *(self.call(item, function, *args, timeout_s=timeout_s) for item in chosen),
                return_exceptions=True,
            )

        chosen = self.dask_workers if addresses is None else tuple(addresses)
        results = self.wait(self.submit(each()))
        found: dict[str, T | Exception] = {}
        for address, result in zip(chosen, results, strict=True):
            if isinstance(result, BaseException) and not isinstance(result, Exception):
                raise result
            found[address] = result
        return found

    async def _send(self, address: str, **message: Any) -> Any:
        if self._direct:
            remote = self._client.rpc(address)
            return await getattr(remote, message.pop("op"))(**message)
        return await self._client.scheduler.proxy(worker=address, msg=message)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _open(self) -> None:
        from distributed import Client

        try:
            await _probe(self._address)
            self._client = Client(  # type: ignore[no-untyped-call]
                self._address,
                asynchronous=True,
                security=self._security,
                set_as_default=False,
                name="benchlab",
                timeout=_CONNECT_S,
            )
            await self._client
        except Exception as exc:
            raise _unreachable(self.scheduler, exc) from exc
        versions = await self._run(eval, _VERSIONS)
        if not versions:
            raise InputError(
                "has no Dask workers",
                field="cluster",
                value=self.scheduler,
                remedy=f"start some: dask worker {self.scheduler}",
            )
        _check_versions(versions)
        self.dask_workers = tuple(sorted(versions))
        for address, result in (await self._run(calls.install)).items():
            if isinstance(result, Exception):
                raise WorkerError(f"the Dask worker {address} was lost ({result})") from result
        self._direct = await self._reaches_workers()

    async def _run(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """What a function returns, or raises, in every Dask worker.

        Raises:
            InputError: the scheduler was lost, or a Dask worker hangs.
        """
        workers = list(self.dask_workers) or None
        try:
            async with asyncio.timeout(_CONNECT_S):
                found: dict[str, Any] = await self._client.run(
                    function, *args, workers=workers, on_error="return"
                )
        except TimeoutError as exc:
            raise InputError(
                f"has Dask workers that do not respond within {_CONNECT_S:.0f} s",
                field="cluster",
                value=self.scheduler,
                remedy="end those that hang or cannot be reached, or wait until they are idle",
            ) from exc
        except Exception as exc:
            raise _unreachable(self.scheduler, exc) from exc
        return found

    async def _reaches_workers(self) -> bool:
        """Whether the Dask workers can be reached, and not only through the scheduler."""
        if self._address.startswith("inproc"):
            return True
        try:
            async with asyncio.timeout(_DIRECT_S):
                await asyncio.gather(
                    *(self._client.rpc(address).identity() for address in self.dask_workers)
                )
        except Exception:  # of whatever network is between
            return False
        return True

    async def _close(self) -> None:
        with suppress(Exception):  # the scheduler is gone
            async with asyncio.timeout(_CLOSE_S):
                if self._client is not None:
                    await self._client.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()


async def _probe(address: str) -> None:
    """Connect to a scheduler's port and disconnect: Dask's client tries for long, and says less.

    Raises:
        OSError: nobody listens there, or the host is unknown.
    """
    scheme, _, place = address.rpartition("://")
    host, _, port = place.rpartition(":")
    if scheme in ("", "tcp") and host and port.isdecimal():
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _unreachable(scheduler: str, exc: Exception) -> InputError:
    causes = [each for each in causes_of(exc) if isinstance(each, OSError)]
    known = [
        os.strerror(each.errno) if each.errno and each.errno > 0 else each.strerror
        for each in causes
        if each.strerror
    ]
    said = known[-1] if known else (str(exc) or type(exc).__name__).splitlines()[0]
    return InputError(
        f"cannot be reached as a Dask scheduler ({said})",
        field="cluster",
        value=scheduler,
        remedy=f"give the address that the scheduler shows when it starts, such as {_EXAMPLE}",
    )


def _check_versions(workers: Mapping[str, Any]) -> None:
    """Refuse Dask workers that would not do what this process does.

    Raises:
        InputError: some have another benchlab, or another Python, whose code is not compatible.
    """
    here = (tuple(sys.version_info[:2]), __version__)
    different = []
    for address, found in sorted(workers.items()):
        if isinstance(found, Exception):
            different.append(f"{address} failed ({type(found).__name__}: {found})")
        elif tuple(found) != here:
            (major, minor), version = found
            named = f"benchlab {version}" if version else "no benchlab"
            different.append(f"{address} has {named} and Python {major}.{minor}")
    if different:
        raise InputError(
            f"{plural(len(different), 'Dask worker')} of the cluster cannot take part:"
            f" {listed(different, separator='; ')}; here are benchlab {__version__} and"
            f" Python {here[0][0]}.{here[0][1]}",
            field="cluster",
            remedy="install the same versions everywhere:"
            f" pip install 'benchlab[cluster]=={__version__}'",
        )


def _report_unexpected(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what nobody awaited, as usual, but for connections that a call has given up."""
    if not isinstance(context.get("exception"), OSError):  # which a TimeoutError is too
        loop.default_exception_handler(context)


def _of_others(record: logging.LogRecord) -> bool:
    """Whether a log record is not of our own client: what happens to that is in the run."""
    return record.threadName != _THREAD


def monotonic_ns() -> int:
    """The monotonic clock of the process that this is called in."""
    return time.monotonic_ns()
