"""How each cause is drawn for the fault server: at random strength and place."""

from __future__ import annotations

import math
from collections.abc import Callable

from tests.trials.drawing import MS, SECOND, Drawing

__all__ = ["SERVER_CAUSES"]


def _queueing(draw: Drawing, cause: int) -> None:
    draw.open_loop()
    slots = int(draw.rng.choice([1, 2, 3, 4, 8]))
    most = 40.0 * draw.rate / 1e3  # service times of 1 to 40 ms
    slots = max(1, min(slots, int(most) or 1))
    used = float(draw.rng.uniform(0.88, 1.1))
    mean = slots * used / draw.rate * 1e3
    if draw.load == "constant" and used < 0.98:
        draw.sigma = float(draw.rng.uniform(0.4, 0.8))  # else nobody waits
    draw.service["base"]["tail_ns"] = 0
    draw.base = mean / math.exp(draw.sigma**2 / 2)
    draw.service |= {"slots": slots, "slots_cause": cause}


def _stall(draw: Drawing, cause: int) -> None:
    length = max(draw.log(120, 700), 3 * draw.high())
    at = float(draw.rng.uniform(0.15, 0.8)) * draw.length_s
    kind = "hold" if draw.rng.random() < 0.6 else "block"
    draw.add(kind, cause, pauses=[[int(at * SECOND), int(length * MS)]])


def _periodic_pause(draw: Drawing, cause: int) -> None:
    period = draw.log(0.35, 1.1)
    length = max(draw.log(30, 150), 2 * draw.high(), 20 * period)
    start = float(draw.rng.uniform(0.1, 1.0)) * period
    pauses = []
    while start < draw.length_s + 1:
        jitter = float(draw.rng.normal(0, 0.01)) * period
        pauses.append(
            [int((start + jitter) * SECOND), int(length * float(draw.rng.uniform(0.9, 1.1)) * MS)]
        )
        start += period
    draw.add("hold", cause, pauses=pauses)


def _event_loop(draw: Drawing, cause: int) -> None:
    length = max(draw.log(30, 150), 2 * draw.high())
    per_second = min(draw.log(0.8, 4.0), 300 / length)
    if draw.rng.random() < 0.5:
        ratio = min(per_second / draw.rate, 0.02)
        draw.add("block_request", cause, amount_ns=int(length * MS), sigma=0.2, ratio=ratio)
        return
    at, pauses = 0.0, []
    while True:
        at += 0.05 + float(draw.rng.exponential(1 / per_second))
        if at > draw.length_s:
            break
        pauses.append([int(at * SECOND), int(length * float(draw.rng.uniform(0.6, 1.4)) * MS)])
    draw.add("block", cause, pauses=pauses)


def _drift(draw: Drawing, cause: int) -> None:
    amount = draw.high() * draw.log(1.5, 8.0)
    decay = float(draw.rng.choice([0.0, 0.0, draw.rng.uniform(2.0, 6.0)]))
    draw.add(
        "drift",
        cause,
        amount_ns=int(amount * MS),
        decay=decay,
        length_ns=int(draw.length_s * SECOND),
    )


def _bimodal(draw: Drawing, cause: int) -> None:
    amount = draw.high() * draw.log(1.5, 8.0)
    draw.add(
        "extra",
        cause,
        amount_ns=int(amount * MS),
        sigma=float(draw.rng.uniform(0.05, 0.2)),
        ratio=draw.ratio(0.03, 0.4),
    )


def _one_of_many(draw: Drawing, cause: int) -> None:
    rng = draw.rng
    places = ["endpoint", "endpoint", "target", "connection", "instance"]
    where = str(rng.choice(places))
    if where == "instance" and not draw.traced:
        draw.service["instance_by"] = "connection"
    count = int(rng.integers(3, 7))
    if where == "endpoint":
        draw.endpoints = count
    elif where == "target":
        draw.service |= {"targets": count, "instances": count, "instance_by": "target"}
    elif where == "instance":
        draw.service["instances"] = count
    if where == "connection" or (where == "instance" and not draw.traced):
        draw.load = "closed"
        draw.rate = max(draw.rate, 1.5 * count * 1e3 / draw.base)
    amount = draw.high() * draw.log(1.2, 6.0)
    draw.add(
        "extra",
        cause,
        where=where,
        which=int(rng.integers(count)),
        amount_ns=int(amount * MS),
        sigma=float(rng.uniform(0.1, 0.4)),
    )


def _payload_size(draw: Drawing, cause: int) -> None:
    most = 15e6 / draw.rate  # bytes
    median = min(draw.log(2_000, 30_000), most / 2)
    sigma = float(draw.rng.uniform(0.8, 1.2))
    draw.service["size"] = {"median": median, "sigma": sigma}
    at_p90 = median * math.exp(1.28 * sigma)
    cost = draw.high() * draw.log(0.7, 4.0)
    draw.add("per_byte", cause, ns=cost * MS / at_p90)


def _new_connections(draw: Drawing, cause: int) -> None:
    form = str(draw.rng.choice(["handshake", "handshake", "first"]))
    amount = draw.high() * draw.log(1.0, 5.0)
    if draw.rng.random() < 0.4:
        draw.transport["keep_alive"] = False
        if form == "first":
            draw.service["responses_per_connection"] = int(draw.log(2, 12))
            draw.transport = {}
    else:
        draw.service["responses_per_connection"] = int(draw.log(2, 12))
    draw.rate = min(draw.rate, 600.0)
    if form == "first":
        draw.add("extra", cause, where="first", amount_ns=int(amount * MS), sigma=0.25)
    else:
        draw.service |= {
            "tls": True,
            "handshake_ns": int(amount * MS),
            "handshake_sigma": float(draw.rng.uniform(0.05, 0.4)),
            "handshake_cause": cause,
        }


def _tcp_stall(draw: Drawing, cause: int) -> None:
    draw.base = min(draw.base, 8.0)
    amount = int(draw.rng.choice([40, 200]))
    draw.service["size"]["median"] = max(draw.service["size"]["median"], 400)
    draw.add(
        "tcp",
        cause,
        amount_ns=amount * MS,
        again=0.0 if amount == 40 else float(draw.rng.uniform(0.0, 0.3)),
        place=str(draw.rng.choice(["before", "before", "between"])),
        ratio=draw.ratio(0.025, 0.3),
        window=draw.window(),
    )


def _contention(draw: Drawing, cause: int) -> None:
    draw.open_loop()
    used = float(draw.rng.uniform(0.75, 0.97))
    hold = used / draw.rate * 1e3
    wait = hold * used / (1 - used)
    draw.base = min(draw.base, max(0.8 * wait, 1.0))
    draw.add(
        "lock",
        cause,
        amount_ns=int(hold * MS),
        random=draw.load == "constant" or bool(draw.rng.random() < 0.5),
        child="lock" if draw.rng.random() < 0.4 else None,
    )


def _child_span(draw: Drawing, cause: int) -> None:
    draw.children(float(draw.rng.random()))
    ratio = draw.ratio(0.05, 1.0)
    amount = draw.high() * draw.log(1.0, 5.0)
    draw.add(
        "child",
        cause,
        amount_ns=int(amount * MS),
        sigma=float(draw.rng.uniform(0.2, 0.5)),
        exponential=bool(draw.rng.random() < 0.4),
        ratio=ratio,
    )


def _errors(draw: Drawing, cause: int) -> None:
    form = str(draw.rng.choice(["status", "status", "drop", "limit"]))
    if form == "limit":
        draw.open_loop()
        draw.add("limit", cause, rps=draw.rate * float(draw.rng.uniform(0.5, 0.93)))
        return
    status = 0 if form == "drop" else int(draw.rng.choice([500, 503]))
    draw.add(
        "error",
        cause,
        status=status,
        quick=bool(draw.rng.random() < 0.5),
        ratio=draw.ratio(0.03, 0.3),
        window=draw.window(),
    )


def _slow_body(draw: Drawing, cause: int) -> None:
    size = draw.service["size"]
    size |= {"median": max(size["median"], 1500), "sigma": min(size["sigma"], 0.5)}
    draw.add(
        "slow_body",
        cause,
        amount_ns=int(draw.high() * draw.log(1.2, 6.0) * MS),
        sigma=float(draw.rng.uniform(0.2, 0.5)),
        ratio=draw.ratio(0.1, 1.0),
        window=draw.window(),
    )


def _connection_cap(draw: Drawing, cause: int) -> None:
    draw.open_loop()
    used = float(draw.rng.uniform(0.88, 1.08))
    draw.rate = max(draw.rate, 3 / draw.base * 1e3)
    tail = draw.service["base"]["tail_ns"] / MS
    mean = draw.base * math.exp(draw.sigma**2 / 2) + tail
    cap = max(1, round(draw.rate * mean / 1e3 / used))
    draw.rate = cap * used / mean * 1e3
    draw.plan_more["max_connections"] = cap


def _generator(draw: Drawing, cause: int) -> None:
    draw.open_loop()
    if draw.rng.random() < 0.6:  # its process is stopped again and again
        length = max(draw.log(15, 80), 1.5 * draw.high())
        gap = draw.log(80, 400)
        draw.beside = {"freeze_ms": length, "gap_ms": max(gap, 2 * length)}
    else:  # it cannot send so much
        draw.base = min(draw.base, 5.0)
        draw.rate = float(draw.rng.uniform(1100, 2500))
        draw.plan_more["driver"] = "httpx"


def _noise(draw: Drawing, cause: int) -> None:
    draw.base = draw.log(0.2, 0.8)
    draw.sigma = min(draw.sigma, 0.15)
    draw.service["base"]["tail_ns"] = 0
    draw.rate = min(draw.rate, 400.0)  # else there is no time left to serve them
    draw.beside = {"burn_all": int(draw.rng.integers(2, 5))}


SERVER_CAUSES: dict[str, Callable[[Drawing, int], None]] = {
    "queueing": _queueing,
    "stall": _stall,
    "periodic_pause": _periodic_pause,
    "drift": _drift,
    "bimodal": _bimodal,
    "one_of_many": _one_of_many,
    "payload_size": _payload_size,
    "new_connections": _new_connections,
    "tcp_stall": _tcp_stall,
    "contention": _contention,
    "event_loop": _event_loop,
    "child_span": _child_span,
    "errors": _errors,
    "slow_body": _slow_body,
    "connection_cap": _connection_cap,
    "generator": _generator,
    "noise": _noise,
}
"""How each cause is injected; the number tells two causes of a trial apart."""
