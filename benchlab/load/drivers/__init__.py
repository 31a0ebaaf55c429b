"""Sending requests and reading responses: what the drivers are, and what they share."""
