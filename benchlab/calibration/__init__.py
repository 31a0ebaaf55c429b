"""Measure the noise floor of this machine, against a server of known latency."""
