"""Options of the commands, in groups, and their effect on a plan."""
