"""Which request is next, and when.

arrivals.py  the protocol of arrivals
registry.py  the kind of arrivals that a plan has
scheduled.py the arrivals of an open loop
closed.py    the arrivals of a closed loop, by time or by count
thinking.py  the arrivals of a closed loop with think time
source.py    the next request: drivers take it from here
pacing.py    deliver a schedule, each request at its time
timer.py     timers: timerfd if available, else the event loop's
"""
