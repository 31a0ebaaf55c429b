from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from benchlab import Feed, Plan, Request
from benchlab.load.drivers.rendering import Renderer
from benchlab.plan import plan as plan_module

RUN_ID = "0193f0a1b2c3d4e5"


def test_a_mix_is_drawn_once_however_many_requests_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = Counter[str]()

    def counted(name: str) -> Callable[..., Any]:
        original: Callable[..., Any] = getattr(plan_module, name)

        def call(*args: Any) -> Any:
            calls[name] += 1
            return original(*args)

        return call

    for name in ("request_order", "turns"):
        monkeypatch.setattr(plan_module, name, counted(name))
    rows = Feed([{"a": 1}, {"a": 2}])
    plan = Plan([Request("GET", f"http://host/{n}/{{{{a}}}}", data=rows) for n in range(500)])
    renderers = [Renderer(plan, index, RUN_ID) for index in range(500)]
    sent = Counter[int]()
    for seq in range(5000):
        index = plan.request_of(seq)
        row = sent[index] % 2 + 1
        assert renderers[index].render(seq).path == b"/%d/%d" % (index, row)
        sent[index] += 1
    assert calls == {"request_order": 1, "turns": 1}
