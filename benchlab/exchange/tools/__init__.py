"""Read result files of other tools into runs and summaries.

gatling.py, ghz.py, jtl.py, k6.py, vegeta.py
    files of single requests, which become a run
artillery.py, autocannon.py, bombardier.py, fortio.py, hgrm.py, hlog.py, jmeter_report.py,
k6_summary.py, locust.py, nighthawk.py, taurus.py, vegeta_report.py, wrk.py
    files of percentiles, which become an ImportedSummary
ab.py, hey.py, oha.py
    files of both kinds
collect.py     collect requests into a run
summaries.py   read a report whole, and make a summary of it
failures.py    map a tool's error message to an error kind
"""
