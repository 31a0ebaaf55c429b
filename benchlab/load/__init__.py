"""Making load: worker processes send and record, a supervisor starts, watches and collects.

run.py          run and run_async: what people call
preflight.py    can the plan be carried out at all?
supervisor.py   starts the workers, lets them go together, stops them, collects
progress.py     how far a run has come, read from its spool
worker.py       a worker process: commands in, samples out
engine.py       one worker's part of a run, from the first request to the last
source.py       which request is next: a closed or an open loop
thinking.py     the pauses of a closed loop's users
pacing.py       delivering a schedule, each request at its time
recorder.py     records into the spool
rescue.py       what a killed worker had not written yet
examples.py     failed requests that are kept for people to see, into the spool
checking.py     answers held against a request's checks
observer.py     the generator watching itself
driver.py       what every driver does
headers.py      the headers of a request, whichever driver sends it
servers.py      what the services call themselves
failures.py     failures that are this machine's, not the service's
wire/           HTTP/1.1 straight on asyncio: the default driver
httpx_driver.py the same through httpx
"""
