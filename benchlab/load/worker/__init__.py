"""A worker process: ``python -m benchlab.load.worker``.

__main__.py  start the process
process.py   commands on standard input, events on standard output
engine.py    one worker's share of a run, from the first request to the last
observer.py  observe the generator itself: CPU use and stalls
"""
