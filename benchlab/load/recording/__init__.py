"""What a worker writes into the spool.

recording.py       the whole of it: what drivers call when a request is finished
outcome.py         how a request ended
recorder.py        one record per request, appended in blocks
examples.py        the first failed requests of each kind
connection_log.py  one record per opened connection
"""
