"""Making load: two kinds of processes that meet in the spool.

run.py        run and run_async: what people call
supervisor/   the parent: check, start, watch, stop, collect
worker/       the child: its share of the load, from the first request to the last
drivers/      sending requests and reading responses: wire, httpx, scenario
arrivals/     which request is next, and when
recording/    samples, failed examples and connections into the spool
events.py     what a worker reports to its supervisor
open_files.py how many connections this system allows a process
"""
