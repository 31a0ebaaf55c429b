"""A run for people, once: `view` decides what is shown, and the renderers here in which form."""
