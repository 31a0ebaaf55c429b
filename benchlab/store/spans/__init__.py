"""Server spans and metrics in the store, joined with the requests of a run."""
