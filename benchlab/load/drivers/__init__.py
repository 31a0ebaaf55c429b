"""Send requests and read responses.

driver.py     the protocol of drivers
registry.py   the drivers and their modules, a line per driver
wire/         HTTP/1.1 directly on asyncio: the default
httpx/        requests through httpx: HTTP/2
grpc/         gRPC calls on HTTP/2's connections
scenario/     users who run the plan's own code, step by step
rendering.py  fill the fields of requests
headers.py    headers that all drivers treat alike
checking.py   evaluate checks on responses
failures.py   messages of exceptions, and failures caused by this machine
tls.py        the TLS context that a plan needs
"""
