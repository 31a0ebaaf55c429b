"""gRPC calls as requests of a plan: descriptors, messages, metadata.

Making load needs protobuf only: descriptors are compiled or asked for before a run, and its plan
carries them.
"""
