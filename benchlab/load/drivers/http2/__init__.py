"""The HTTP/2 driver.

frames.py         frames: their bytes, numbers and names
header_blocks.py  header blocks: literals of requests, remembered ones of responses
connection.py     a connection: reads frames, on a quick path or in full; flow control
stream.py         a stream: one request and its response, which are one sample
pool.py           connections to services, and what is sent on which
encoding.py       requests, encoded before the run if possible
driver.py         the driver
factory.py        make the driver of a plan
"""
