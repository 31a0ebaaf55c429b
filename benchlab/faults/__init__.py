"""Faults: what breaks a service, a connection or a process on purpose, and mends it again.

main.py       the process that makes the faults of a run: ``python -m benchlab.faults``
timetable.py  sets and lifts each fault at its time
injector.py   what makes the faults of one kind of place, and what the process asks of it
injectors.py  which injector a fault needs
"""
