"""The parent process of a run: check, start, watch, stop and collect.

preflight.py      whether the plan can be carried out at all
environment.py    what machine, versions and limits a run is made with
supervise.py      a run with its workers: started together, watched, stopped
worker_process.py a worker process, its pipes and the memory shared with it
stop_signal.py    asking a run to stop, by Ctrl-C or from code
progress.py       how far a run has come, read from its spool
abort.py          the plan's ``abort_on``, evaluated while the run goes on
rescue.py         records that a killed worker had not written yet
floor_file.py     the calibrated noise floor, attached to every run
"""
