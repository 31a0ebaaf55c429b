"""Which request is next, and when.

arrivals.py  what every kind of arrivals does, and its source of requests
registry.py  which kind a plan has
scheduled.py the arrivals of an open loop
closed.py    the arrivals of a closed loop, by time or by count
thinking.py  those of a closed loop with think time
pacing.py    a schedule delivered, each request at its time
timer.py     timers: timerfd where there is one, else the event loop's
"""
