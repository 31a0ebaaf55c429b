"""gRPC calls on the HTTP/2 driver's connections.

driver.py     the driver: what its calls know of the plan, and of responses that came before
call.py       a call: a stream whose response is read on a quick path, or in full
response.py   a response that is read in full
statuses.py   how a call ended: grpc-status, and what stands in for it where it is missing
channel.py    channels of grpcio: for scenarios, and to ask a service before a run
messages.py   the five bytes before each message, and compression
encoding.py   calls, encoded before the run if possible
deadlines.py  grpc-timeout
factory.py    make the driver of a plan
"""
