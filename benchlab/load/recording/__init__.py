"""Write a worker's results to the spool.

recording.py       everything a worker records: drivers call it for every finished request
outcome.py         how a request ended
recorder.py        the samples: one record per request, appended in blocks
examples.py        the first failed requests of each kind
record_log.py      records of any kind, buffered
connection_log.py  one record per opened connection
"""
