"""A worker process: makes its share of the load (``python -m benchlab.load.worker``)."""
