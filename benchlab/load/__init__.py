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
rendering.py    requests with their fields filled in
recorder.py     records into the spool
rescue.py       what a killed worker had not written yet
examples.py     failed requests that are kept for people to see, into the spool
checking.py     answers held against a request's checks
connection_log.py records of opened connections into the spool
observer.py     the generator watching itself
driver.py       what every driver does
headers.py      the headers of a request, whichever driver sends it
servers.py      what the services call themselves
failures.py     what a failure means, and whether this machine is to blame
tls.py          certificates and keys as the plan wants them
wire/           HTTP/1.1 straight on asyncio: the default driver
users.py        users who serve one request or iteration after the other
httpx_client.py httpx clients that connect as the plan says
httpx_driver.py the same through httpx
scenario/       users who follow code of their own, step by step
"""
