"""Join server spans and metrics with the requests of a run."""
