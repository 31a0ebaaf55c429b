"""Users who follow a scenario: code of their own, several steps, a sample for each step."""
