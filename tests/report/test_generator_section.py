"""What the report says of the generator, where requests were tried several times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchlab import Transport
from benchlab.report.sections.generator import generator
from benchlab.samples.samples import Flag, Samples
from benchlab.samples.tries import TRY_DTYPE, Tries, TryReason
from tests.runs.synthetic import make_run


def test_the_tries_before_a_retry_are_not_the_generators_lag() -> None:
    run = make_run(warmup_s=0)
    records = run.samples.records.copy()
    again = slice(None, None, 10)
    for name in ("sent_ns", "first_byte_ns", "done_ns"):
        records[name][again] += 777_000_000
    records["flags"][again] |= np.uint8(Flag.RETRY)
    tries = np.zeros(len(records["seq"][again]), dtype=TRY_DTYPE)
    tries["seq"], tries["number"], tries["reason"] = records["seq"][again], 2, TryReason.RETRY
    tried = replace(
        run,
        plan=run.plan.replace(transport=Transport(retry="3")),
        samples=Samples(records, run.samples.endpoints),
        tries=Tries(tries),
    )
    html = generator(tried).render()
    assert "777 ms" not in html
    assert "the tries before it" in html
    assert "the tries before it" not in generator(run).render()
