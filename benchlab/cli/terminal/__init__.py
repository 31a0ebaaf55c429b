"""Output on a terminal, and the exit codes."""
