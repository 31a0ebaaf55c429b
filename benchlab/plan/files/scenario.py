"""Make a scenario from a function, or from one in a file."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import textwrap
import tokenize
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from benchlab.errors import InputError
from benchlab.extras import require_extra
from benchlab.plan.drivers import SCENARIO_CLIENTS, drivers_for
from benchlab.plan.feed import Feed
from benchlab.plan.scenario import Scenario

__all__ = ["scenario"]

# Of a client and the ctx. Their types are above this layer; authors of functions may annotate them.
Function = Callable[[Any, Any], Awaitable[None]]


def scenario(
    function: Function | str,
    base_url: str,
    *,
    name: str = "",
    data: Feed | None = None,
    client: str = SCENARIO_CLIENTS[0],
) -> Scenario:
    """Make a scenario: the steps of one user of the service at ``base_url``, for `benchlab.Plan`.

    ``function`` is an ``async def`` with the parameters ``client`` and ``ctx``, defined anywhere, a
    notebook's cell included; or ``"shop.py:buy"``, the function ``buy`` in that file. Each user has
    a client whose base URL is ``base_url``: benchlab's own, with httpx's names for what scenarios
    use, or an `httpx.AsyncClient` with ``client="httpx"``, which costs many times the CPU. At a
    ``grpc://`` or ``grpcs://`` URL the client makes gRPC calls, of all four kinds: it is a
    `benchlab.load.drivers.scenario.grpc_users.GrpcUserClient`. See
    `benchlab.load.drivers.scenario.context.Context` for ``ctx``. The function and all that it uses
    from its own file are sent to the worker processes.

    Raises:
        InputError: the function does not exist, has another signature, or cannot be pickled; or
            there is no such client.
    """
    import cloudpickle

    client = _client_for(base_url, client)
    if client == "grpc":
        require_extra("grpc")
    _ = Scenario(base_url, name, client=client).anchor  # says what is wrong with the URL
    found = _load(function) if isinstance(function, str) else function
    label = getattr(found, "__name__", type(found).__name__)
    if not inspect.iscoroutinefunction(found):
        raise InputError(f"{label} is not an async function: write async def {label}(client, ctx)")
    parameters = inspect.signature(found).parameters
    if len(parameters) != 2:
        raise InputError(
            f"{label} takes {len(parameters)} parameters: a scenario takes client and ctx"
        )
    module = sys.modules.get(found.__module__)
    by_value = module is not None and _is_the_users(module)
    try:
        if by_value:
            cloudpickle.register_pickle_by_value(module)
        try:
            code: bytes = cloudpickle.dumps(found)
        finally:
            if by_value:
                cloudpickle.unregister_pickle_by_value(module)
    except Exception as exc:  # pickling runs code of whatever the function holds on to
        raise InputError(
            f"{label} cannot be sent to the workers: {exc}; open files and connections inside it"
        ) from exc
    reference = function if isinstance(function, str) else ""
    return Scenario(base_url, name or label, code, _source(found), reference, data, client=client)


def _client_for(base_url: str, client: str) -> str:
    """The client for the scheme of a URL, unless another than the usual one was chosen."""
    able = drivers_for(urlsplit(str(base_url)).scheme)
    usual = SCENARIO_CLIENTS[0]
    others = [name for name in SCENARIO_CLIENTS if name in able]
    return others[0] if client == usual and usual not in able and others else client


def _load(reference: str) -> Any:
    file, colon, name = reference.rpartition(":")
    path = Path(file)
    if not colon or not name.isidentifier() or path.suffix != ".py":
        raise InputError(f"scenario {reference!r} cannot be read: write FILE.py:FUNCTION")
    if not path.is_file():
        raise InputError(f"the scenario's file {file} does not exist")
    module_name = f"benchlab_scenario_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as exc:  # it is the user's file, and may raise anything
        raise InputError(f"{file} cannot be loaded: {type(exc).__name__}: {exc}") from exc
    found = getattr(module, name, None)
    if found is None:
        functions = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        raise InputError(
            f"{file} has no function {name!r}: it has {', '.join(functions) or 'none'}"
        )
    return found


def _is_the_users(module: ModuleType) -> bool:
    """Whether workers cannot import it, because it is not an installed package."""
    file = getattr(module, "__file__", None)
    if module.__name__ == "__main__" or file is None:
        return False  # cloudpickle takes these by value anyway
    return "site-packages" not in file and not module.__name__.startswith("benchlab.")


def _source(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):
        return ""  # there is no file, or it has other lines by now
