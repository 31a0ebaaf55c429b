"""Run scenarios: users run the plan's own code in steps, and each step is a sample."""
