"""The control API: `/faults`."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, HTTPException, Path, Query, Request

from . import CONTROL_PATH
from .access import check_access
from .kinds import AnyFault
from .state import MAX_FAULTS, Faults, TooManyFaultsError

Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Do = Literal["set", "renew", "check"]


def fault_router(faults: Faults, token: str) -> APIRouter:
    """Build the routes that control `faults`; `token` is empty if only loopback may use them."""

    async def may_control(request: Request) -> None:
        check_access(request.scope, token)

    # `async def` throughout: a plain function would run in a thread.
    router = APIRouter(prefix=CONTROL_PATH, tags=["faults"], dependencies=[Depends(may_control)])

    @router.get("")
    async def show() -> dict[str, Any]:
        return faults.describe_all()

    @router.put("/{name}")
    async def put(
        name: Name, fault: Annotated[AnyFault, Body()], do: Annotated[Do, Query()] = "set"
    ) -> dict[str, Any]:
        """Set the fault, or renew its lease if it is on already.

        `renew` does only the latter, and `check` neither: it says whether the fault can be set.
        """
        if do == "check":
            return {"id": name, **fault.model_dump(exclude_none=True)}
        if do == "renew" and not faults.is_on(name, fault):
            raise HTTPException(404, _not_on(name))
        try:
            renewed = faults.set(name, fault)
        except TooManyFaultsError:
            raise HTTPException(409, f"{MAX_FAULTS} faults are on: lift one first") from None
        return {**faults.describe(name), "renewed": renewed}

    @router.delete("/{name}")
    async def lift(name: Name) -> dict[str, list[str]]:
        if not faults.lift(name):
            raise HTTPException(404, _not_on(name))
        return {"lifted": [name]}

    @router.delete("")
    async def lift_all() -> dict[str, list[str]]:
        return {"lifted": faults.lift_all()}

    return router


def _not_on(name: str) -> str:
    return f"the fault {name} is not on: its lease may have ended"
