"""Read result files of other tools into runs and summaries.

k6.py, vegeta.py, jtl.py, oha.py   files of single requests, which become a run
hgrm.py, locust.py, oha.py         files of percentiles, which become an ImportedSummary
collect.py                         collect requests into a run
failures.py                        map a tool's error message to an error kind
"""
