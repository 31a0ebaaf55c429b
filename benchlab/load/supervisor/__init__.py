"""The parent process of a run: check, start, watch, stop and collect.

preflight.py   whether the plan can be carried out at all
environment.py what machine, versions and limits a run is made with
processes.py   the worker processes: started together, stopped, collected
progress.py    how far a run has come, read from its spool
abort.py       the plan's ``abort_on``, evaluated while the run goes on
rescue.py      records that a killed worker had not written yet
floor_file.py  the calibrated noise floor, attached to every run
"""
