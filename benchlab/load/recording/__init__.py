"""What a worker writes into the spool.

recorder.py        one record per request, in whole blocks
examples.py        the first failed requests of each kind
connection_log.py  a record per opened connection
outputs.py         all of these together, as a driver gets them
"""
