"""gRPC calls on the HTTP/2 driver's connections.

statuses.py   how a call ended: grpc-status, and what stands in for it where it is missing
messages.py   the five bytes before each message, and compression
deadlines.py  grpc-timeout
"""
