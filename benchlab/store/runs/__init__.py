"""Runs in the store: written exactly once, and read back."""
