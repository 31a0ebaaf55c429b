"""Which request is next, and when.

arrivals.py  the protocols of arrivals and of their source of requests
choice.py    the kind of arrivals that a plan has
scheduled.py the arrivals of an open loop
closed.py    the arrivals of a closed loop, by time or by count
thinking.py  the arrivals of a closed loop with think time
pacing.py    deliver a schedule, each request at its time
timer.py     timers: timerfd if available, else the event loop's
"""
