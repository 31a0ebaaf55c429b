"""The parent process of a run: check, start, watch, stop and collect.

preflight.py      check that the plan can be carried out
reflection.py     ask services what their gRPC methods take and return
environment.py    the machine, versions and limits of a run
supervise.py      start the workers together, watch the run, stop it
worker_process.py a worker process, its pipes and the memory shared with it
stop_signal.py    request that a run stops, by Ctrl-C or from code
progress.py       the progress of a run, read from its spool
series.py         the run over time, for charts of its progress
conditions.py     the value of a condition, such as p99<50ms, while the run goes on
abort.py          evaluate the plan's ``abort_on`` during the run
rescue.py         save the records that a killed worker had not written
floor_file.py     the calibrated noise floor, attached to every run
"""
