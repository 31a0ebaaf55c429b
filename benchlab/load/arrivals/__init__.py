"""Which request is next, and when: schedules, closed loops, think time, timers."""
