"""A run for people: what terminal, notebook and report show, chosen once."""
