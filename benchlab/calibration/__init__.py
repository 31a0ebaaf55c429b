"""The noise floor of this machine: measured against a server of known latency."""
