"""Generate load: a supervisor process and its workers, which share the spool.

detached/     a run whose supervisor is a process of its own, which outlives its caller
run.py        the public functions: run and run_async
cluster/      workers on the machines of a Dask cluster
supervisor/   the parent process: check, start, watch, stop and collect
worker/       the child process: its share of the load, from the first request to the last
drivers/      send requests and read responses: wire, httpx, scenario
arrivals/     which request is next, and when
recording/    write samples, failed examples and connections to the spool
events.py     events that a process reports to whoever started it
open_files.py the check that a plan stays below the limit of open files
"""
