"""Sending requests and reading responses.

driver.py     what every driver does
registry.py   where the code of each is: a line per driver
wire/         HTTP/1.1 straight on asyncio: the default
httpx/        the same through httpx: HTTP/2, proxies, custom authentication
scenario/     users who follow code of their own, step by step
rendering.py  requests with their fields filled in
headers.py    headers that every driver treats alike
checking.py   checks evaluated on responses
failures.py   what an exception says, and whether this machine caused it
tls.py        certificates and keys as the plan wants them
"""
