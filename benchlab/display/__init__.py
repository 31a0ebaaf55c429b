"""A run for people: one view decides what is shown, and renderers in which form."""
