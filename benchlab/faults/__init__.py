"""Faults: what breaks a service, a connection or a process on purpose, and mends it again.

injector.py  what makes faults of one kind of place, and what the process asks of it
"""
