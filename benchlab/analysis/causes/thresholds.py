"""Every threshold of the detectors, with its reason: the one table.

Times are in ns, ratios between 0 and 1. They were set on simulated runs and on recorded ones whose
cause was known, and checked on others.
"""

from __future__ import annotations

from typing import Final

from benchlab.units import NS_PER_MS

# The tail

TAIL_RATIO: Final = 0.99
"""The tail is above this percentile."""

TAIL_RATIO_OF_FEW: Final = 0.9
"""The tail of a run with fewer than `ENOUGH_IN_TAIL` requests above `TAIL_RATIO`."""

ENOUGH_IN_TAIL: Final = 50
"""With fewer requests, one or two of another kind change what the tail consists of."""

FEWEST: Final = 100
"""Of fewer requests nothing can be said: the tail would be less than ten of them."""

MOST_REQUESTS: Final = 2_000_000
"""Of more a part is looked at: the tail of so many are 20,000, and memory stays below 1 GiB."""

LEAST_SHARE: Final = 0.15
"""A cause is named if it accounts for this much of the tail: below, it is hardly worth a change of
the service, and what several detectors take from a tail by chance reaches a twentieth."""

REST_SHARE: Final = 0.4
REST_LESS: Final = 0.15
"""Beside others a cause is also named if it accounts for this much of the tail that is left without
them, and if without it that percentile would be lower by so much."""

REST_LEAST: Final = 0.25
REST_MUCH: Final = 0.5
"""Less of that tail is enough if the percentile would be lower by so much: then those above it that
are left are few."""

REST_ENOUGH: Final = 1000
"""With so many requests what is left above `TAIL_RATIO` is looked at as well, however few of the
tail they are: a single stall is at most that in a closed loop."""

# Freezes: stall, periodic pause, event loop, noise

FREEZE_WAITING: Final = 4
"""Requests that were overdue together. Any one is with a chance of 1 in 4, as `FREEZE_OVERDUE`
says, so that four in a row are 1 in 256."""

FREEZE_FEW_WAITING: Final = 2
FREEZE_MISSING: Final = 6.0
"""Two are enough if, at the mean rate, so many responses would have come meanwhile: with random
arrivals that is a chance of 1 in 400."""

FREEZE_CHANCE: Final = 6.0
"""Nor do requests that wait have to be overdue if, at the rate at which they came, more responses
are missing than the logarithm of the number of all, and so many: with random times that is a chance
of 1 in 400 for the whole run."""

FREEZE_OF_SLOW: Final = 0.5
"""Share of the requests of a slow mode that freezes must have delayed: otherwise slow requests are
a kind of their own, and where few users all wait for one at once, it is by chance."""

FREEZE_OF_TIME: Final = 0.5
"""Share of the time that a service may stand still: what is there for longer is how it responds."""

FREEZE_BEYOND: Final = 1.1
"""A freeze beside a slow kind is longer than that kind's slowest requests, by this factor."""

FREEZE_OVERDUE: Final = 0.75
"""A request is overdue when it took longer than this percentile."""

FREEZE_RATIO: Final = 1.5
"""A freeze is this many times longer than the percentile `FREEZE_OVERDUE`: shorter ones are the
usual spacing of responses."""

FREEZE_SHORTEST_NS: Final = 1.0 * NS_PER_MS
"""A shorter one is a time slice of the kernel's scheduler."""

RELEASED_NS: Final = 4.0 * NS_PER_MS
RELEASED_RATIO: Final = 0.1
RELEASED_SHARE: Final = 0.7
"""The users of a closed loop were frozen together if so many of them get their response within this
time, or this part of the freeze, after its end. Users that each wait for something of their own do
not."""

HICCUP_NS: Final = 25.0 * NS_PER_MS
"""A shared machine takes a process off its core for up to about 20 ms: freezes up to this length
are noise unless they recur regularly or are too many."""

HICCUP_LAG_RATIO: Final = 40.0
"""On a busy machine freezes are longer than `HICCUP_NS`, as the generator's own lag shows: so many
times the lag that a tenth of its requests have. A service needs its core for longer than the
generator does, so that it loses it more often."""

HICCUP_STALL_RATIO: Final = 6.0
"""The same for a closed loop, which has no lag: so many times the generator's longest stall."""

HICCUP_MOST_NS: Final = 100.0 * NS_PER_MS
"""No longer than this, however busy the machine is."""

ALIKE_FEWEST: Final = 6
ALIKE_DEVIATIONS: Final = 1.6
"""Lengths beyond the shortest that shows would have a coefficient of variation of 1 if they were
random, give or take the inverse root of their number: so many of these less, and they are alike."""

STALL_SHARE: Final = 0.6
"""One freeze that makes up this much of what all freezes cost is a single stall."""

STALL_LONGER: Final = 4.0
"""So is one that is so many times as long as any other, however much many short ones cost."""

PERIODIC_FEWEST: Final = 4
"""Three freezes are at equal distances by chance in one of ten runs."""

PERIODIC_CERTAIN: Final = 5
"""So many at equal distances are periodic, however noisy the machine is."""

PERIODIC_TOLERANCE: Final = 0.08
"""Distance of a freeze from its place in the period, as a share of the period."""

PERIODIC_SPREAD: Final = 0.02
"""Half of the freezes are this near to their places: by chance half are within half of
`PERIODIC_TOLERANCE`, and those of a timer within a hundredth of the period."""

PERIODIC_SHARE: Final = 0.75
"""Share of the places that have a freeze, and of the long freezes that are at a place."""

QUICKEST_RATIO: Final = 0.02
"""Percentile of the latency of requests that did not wait in a backlog."""

LOOP_FEWEST: Final = 3
"""Freezes that are long and irregular: fewer are stalls of their own."""

BEFORE_SPAN_SHARE: Final = 0.6
"""Waiting is outside of the spans if this much of it is."""

LOCAL_SHARE: Final = 0.5
"""A freeze is the generator's own if so much of the waiting is lag, which no service causes."""

SHARED_RATIO: Final = 0.08
"""So much of the waiting in a freeze is lag of the generator where their machine held up both: in
half of the machine's own freezes it is more, and where the service stood still by itself less than
a twentieth, the lag of reading all that was released at once."""

SHARED_LONG_RATIO: Final = 0.2
"""As `SHARED_RATIO`, of a freeze longer than `HICCUP_MOST_NS`."""

RARE_HICCUP_NS: Final = 50.0 * NS_PER_MS
"""One or two freezes up to this length are the machine's, too: three of a hundred healthy runs on a
quiet machine have such."""

# Generator and connection cap

LAG_P99_NS: Final = 10.0 * NS_PER_MS
"""Lag that makes a run invalid (`benchlab.runs.verdict`)."""

LAG_LEAST_NS: Final = 1.0 * NS_PER_MS
"""Lag at the 99th percentile that a busy generator shows; less is the timer's."""

LONGEST_LAG_NS: Final = 25.0 * NS_PER_MS
"""Lag at the 99th percentile that a machine with other work does not cause in both processes."""

ELSEWHERE_RATIO: Final = 0.6
"""Time in the tail that is not lag, in units of the lag: from here on the machine is the cause. A
service whose own times vary has up to 0.4 beside a generator that stands still by itself; a machine
that holds up both takes as much from the service as from the generator, and more."""

BUSIEST_RATIO: Final = 0.95
"""Share of a core that makes a closed loop invalid (`benchlab.runs.verdict`)."""

BUSY_RATIO: Final = 0.85
"""Share of a core from which a generator's own queue dominates its lag."""

STALLED_RATIO: Final = 0.25
"""Share of the run in which a busy worker's event loop was late: then it is behind, even if the
connection cap keeps it from sending late."""

# Queueing and contention

QUEUE_CORRELATION: Final = 0.3
"""Rank correlation of service time and requests in flight on arrival, without their trends:
requests that do not wait for each other have 0."""

QUEUE_WEAK_CORRELATION: Final = 0.2
"""As `QUEUE_CORRELATION`, if the wait that follows from it is twice `QUEUE_SHARE`."""

QUEUE_SHARE: Final = 0.4
"""Part of the tail that follows from the number in flight: on a busy machine up to 0.3."""

QUEUE_WAVES_SHARE: Final = 0.3
"""As `QUEUE_SHARE`, if the service time also wanders as that of a queue (`QUEUE_WANDERING`): a busy
machine may do either, and seldom both."""

QUEUE_SERIAL: Final = 0.5
"""Rank correlation of neighbours among the requests of a slow mode: that of kinds of requests is 0,
that of a queue above 0.8."""

QUEUE_LEVELS: Final = 4
"""Different numbers in flight that must have been seen."""

OVERLOAD_RATIO: Final = 0.02
"""Share of the requests by which the backlog grows within the run: more than any drift adds."""

OVERLOAD_INSIDE: Final = 3.0
"""So many times `OVERLOAD_RATIO` where the wait is inside of the spans, as that of a leak is."""

OVERLOAD_SMOOTH: Final = 2.5
OVERLOAD_SERIAL: Final = 0.15
"""So many times `OVERLOAD_RATIO` where neighbours are no more alike than this (rank correlation),
as those of a service that becomes slower evenly: by a quarter of a second within five seconds it
is 0.04. In a queue each waits for the one before."""

OVERLOAD_RISE: Final = 0.75
"""Rank correlation of the backlog with time where it grows by less than `OVERLOAD_RATIO`."""

WANDERING: Final = 0.2
"""Part of the variance around the trend that is between blocks of 20 neighbours: of independent
times it is a twentieth, of a queue more than a half."""

QUEUE_WANDERING: Final = 0.5
"""From this part it is a queue, also where a drift on a busy machine would be the alternative."""

QUEUE_WANDERING_RATIO: Final = 1.5
"""And the highest level is so many times the lowest: errors and freezes make smaller waves."""

STANDING_CALM: Final = 0.9
"""Share of the requests that no freeze delayed, nor the generator: after a freeze requests wait
before their spans as well."""

STANDING: Final = 0.25
"""Part of the median latency that half of the requests wait before their spans, in a queue that is
always there: then waves of `WANDERING` are that queue's, since no drift of a service is there."""

WAVES: Final = 0.4
WAVES_LEFT: Final = 0.35
"""Part of the variance between blocks that no rise or fall explains: the rest is drift."""

WAVES_RATIO: Final = 2.5
"""From this part, and this ratio of the highest level to the lowest, only a queue explains it."""

# Drift

DRIFT_BATCHES: Final = 40
DRIFT_P: Final = 1e-3
"""The Mann-Kendall test with its correction for dependence still calls wandering levels of a shared
machine trends: what counts besides is the effect, `DRIFT_EFFECT` and `DRIFT_TAU`."""

DRIFT_QUANTILES: Final = (0.5, 0.1)
DRIFT_CLEAR: Final = 0.1
DRIFT_CLEAR_P: Final = 0.02
"""A drift is clear if it leaves so little of the variance of the levels: then this is certain
enough, since the correction takes a smooth drift for dependence."""

DRIFT_EFFECT: Final = 0.25
"""Change from end to end, as a share of the lower level."""

DRIFT_TAU: Final = 0.5
"""Kendall's tau of the level with time: how monotone it is."""

# Modes, groups, sizes

BIMODAL_SHARE: Final = 0.006
"""Smallest share of requests that are a mode: half of what reaches the 99th percentile."""

BIMODAL_DEVIATIONS: Final = 3.5
"""Standard errors by which a valley is lower than its peaks: runs are short, and slow modes have
few requests."""

BIMODAL_SMOOTHINGS: Final = (1.0, 0.6, 2.0)
"""Bandwidths in units of Silverman's, one after the other: a slow mode of a few percent vanishes in
that of all, and one of twenty requests that is far away is seen by a wider one, which takes them
together."""

FAR_FEWEST: Final = 8
FAR_P: Final = 5e-3
"""So few slow requests are a mode of their own if a gap is before them that one mode would leave
with this chance at most, for all the gaps that are looked at. It is an upper limit: the tail of one
mode falls, and that of the limit is flat."""

BIMODAL_RATIO: Final = 1.35
"""Ratio of the slow mode to the fast one."""

BIMODAL_MOST: Final = 0.55
"""Share of slow requests: if there are more, it is the fast ones that are special."""

BIMODAL_BATCHES: Final = 20
BIMODAL_PRESENT: Final = 0.6
"""Share of the batches of time in which slow requests occur: kinds of them come at all times."""

SLICE_NS: Final = 5.0 * NS_PER_MS
"""A process that has no core of its own waits for a time slice of those that have it, up to a tick
of a kernel at 250 Hz, and until it runs again: a second mode that is no slower than this is the
scheduler's, if the generator waits as well."""

GROUP_FEWEST: Final = 15
"""Requests of a group that can be compared."""

GROUP_P: Final = 1e-4
"""Holm-corrected over all groups of all groupings."""

GROUP_RATIO: Final = 2.0
"""Ratio of the share of a group's requests that are in the tail to that of the others."""

GROUP_MANY: Final = 8
GROUP_DISPERSION: Final = 3.0
"""Of more groups than these some are slow by chance: they must differ as a whole by this much more
than chance has it (chi-square over its degrees of freedom)."""

GROUP_MOST: Final = 0.6
"""Share of all requests that the slow groups may have: more are not one of many."""

SIZE_SPREAD: Final = 1.5
"""Ratio of the largest size to the smallest."""

SIZE_FIT: Final = 0.7
"""Share of the variance of the medians by size that the line explains."""

SIZE_BINS: Final = 30

SIZE_QUANTILES: Final = (0.5, 0.25)
"""The latency of each size that the line goes through: the median, or a lower one, which what makes
up to half of the requests slow does not reach."""

# Phases

OPENING_FEWEST: Final = 20
"""New connections in the window, or a hundredth of the requests if that is more."""

OPENING_SHARE: Final = 0.07
"""Share of the requests below which new connections must come at all times, as those of a service
that closes them do: others come when requests pile up, and are a consequence."""

OPENING_AGAIN: Final = 0.5
"""Share of the new connections that replace one: with less the pool only grew, and so must they."""

BODY_LEAST_NS: Final = 1.0 * NS_PER_MS
"""A body that takes less is read in a few turns of the event loop."""

PHASE_LEVEL: Final = 0.4
"""A phase that every request has is a cause if it is this much of the median latency."""

CHILD_LEVEL_NS: Final = 4.0 * NS_PER_MS
"""A child span that every request has is a cause if it takes as long, besides `PHASE_LEVEL`."""

CHILD_MORE: Final = 1.5
"""A child span's share of what makes requests slow is this many times its share of a usual one."""

CHILD_LONGER: Final = 3.0
"""Or the span itself is this many times longer in slow requests, whatever else is slow in them."""

CHILD_OF_WAIT: Final = 0.5
"""Rank correlation of a child span with the wait for others from which it is that wait."""

# TCP

TCP_DELAYED_ACK_NS: Final = (38.5 * NS_PER_MS, 43.5 * NS_PER_MS)
"""Linux delays an acknowledgement by at least 40 ms (TCP_DELACK_MIN)."""

TCP_RETRANSMISSION_NS: Final = (197.0 * NS_PER_MS, 216.0 * NS_PER_MS)
"""Linux retransmits after at least 200 ms (TCP_RTO_MIN), and then after twice as long each time."""

TCP_BLUR: Final = 0.25
"""A step shows where usual requests differ by no more than this part of it."""

TCP_FEWEST: Final = 8
TCP_SHARE: Final = 0.6
"""Share of the requests that are later than three quarters of a step that are at one."""

TCP_SPREAD: Final = 0.06
"""Spread of a step itself, as a part of it: a timer fires within a tick (4 ms), so that half of the
requests at a step are within 2 ms, beside what makes usual requests differ."""

TCP_ERRORS: Final = 2.0
"""Standard errors by which a quartile of a slow mode may be off the step."""

# Errors

ERROR_RATIO: Final = 0.01
"""Share of failed requests from which errors are in the 99th percentile of what users feel."""

# Noise

CLEAR_SHARE: Final = 0.6
"""From this share of the tail a phase, a span or a group is what made it, on a busy machine too."""

NOISE_LAG_RATIO: Final = 1.5
"""A cause that adds less than this many times the generator's own lag (at its 99th percentile) is
not told from what the machine does to the service as well."""

NOISE_FELT_RATIO: Final = 2.0
"""Delay of a response, in units of the generator's own lag (at its 99th percentile), that the same
machine causes: a request passes two processes and more."""

NOISE_SHARE: Final = 0.25
"""Share of the tail that the machine's own freezes and the generator's lag must account for."""

NOISE_LEAST_NS: Final = 0.1 * NS_PER_MS
"""What noise must add to the requests of the tail: a process that wakes up on an idle machine takes
up to a tenth of a millisecond, and that is nothing to look for."""
