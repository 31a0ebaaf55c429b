"""The same plan for another service."""

from __future__ import annotations

import pytest

from benchlab import Plan, Request
from benchlab.errors import InputError
from benchlab.experiments.against import plan_against

PLAN = Plan(
    [
        Request("GET", "http://127.0.0.1:8000/items?page=2", headers={"X-Tenant": "t"}),
        Request("POST", "http://127.0.0.1:8000", json=[1], name="root"),
    ],
    duration_s=3,
)


def test_only_the_service_changes() -> None:
    moved = plan_against(PLAN, "https://staging.example:8443/")
    assert [request.url for request in moved.requests] == [
        "https://staging.example:8443/items?page=2",
        "https://staging.example:8443",
    ]
    back = plan_against(moved, "http://127.0.0.1:8000")
    assert back == PLAN
    assert moved.endpoint_names == PLAN.endpoint_names


def test_a_url_with_a_path_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match="second plan or URL") as caught:
        plan_against(PLAN, "http://127.0.0.1:9000/v2")
    assert caught.value.field == "against"


@pytest.mark.parametrize("text", ["127.0.0.1:9000", "ftp://host", "http://"])
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="http://host:port"):
        plan_against(PLAN, text)


def test_a_plan_of_two_services_is_refused() -> None:
    plan = Plan(Request("GET", "/x"), targets=["http://127.0.0.1:1", "http://127.0.0.1:2"])
    with pytest.raises(InputError, match="has 2"):
        plan_against(plan, "http://127.0.0.1:3")


def test_the_password_of_a_url_is_not_shown() -> None:
    with pytest.raises(InputError) as caught:
        plan_against(PLAN, "http://me:secret@host/v2")
    assert "secret" not in str(caught.value)
