"""The parent process of a run: check, start, watch, stop and collect."""
