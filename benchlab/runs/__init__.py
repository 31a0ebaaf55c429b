"""A run: its plan, its samples and what the generator says about itself; verdict and warnings."""
