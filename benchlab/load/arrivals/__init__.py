"""Which request is next, and when.

source.py    the next request of a closed or an open loop
pacing.py    a schedule delivered, each request at its time
thinking.py  the pauses of a closed loop's users
timer.py     waking at a time: timerfd where there is one, else the event loop's timers
"""
