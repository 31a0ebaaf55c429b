"""The HTTP/2 driver.

frames.py         frames: their bytes, numbers and names
header_blocks.py  header blocks: literals of requests, remembered ones of responses
sending.py        a connection, the half that sends: requests, flow control, its end
reading.py        a connection, the half that reads any frame
connection.py     a connection: its opening and its loss, and the quick path of reading
stream.py         a stream: one request and its response, which are one sample
pool.py           connections to services, and what is sent on which
encoding.py       requests, encoded before the run if possible
driver.py         the driver
factory.py        make the driver of a plan
"""
