"""Output of commands: the door to standard output and standard error, and what goes through it."""
