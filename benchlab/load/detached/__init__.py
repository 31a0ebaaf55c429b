"""A run whose supervisor is a process of its own, which outlives whoever started it.

start.py    start that process, and hand it the plan
process.py  the process itself: ``python -m benchlab.load.detached RUN_ID``
"""
