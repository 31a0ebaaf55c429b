"""Sending requests and reading responses.

driver.py     what every driver does, and which there are
wire/         HTTP/1.1 straight on asyncio: the default
httpx/        the same through httpx: HTTP/2, proxies, custom authentication
scenario/     users who follow code of their own, step by step
rendering.py  requests with their fields filled in
headers.py    the headers of a request, whichever driver sends it
servers.py    the Server headers of the responses
checking.py   checks evaluated on responses
failures.py   what kind of error an exception is, and whether this machine is to blame
tls.py        certificates and keys as the plan wants them
"""
