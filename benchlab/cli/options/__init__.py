"""Options of the commands, in groups, and what each does to a plan."""
