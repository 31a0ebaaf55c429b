"""The files that a plan is read from: the plan itself, feeds of rows, scenarios."""
