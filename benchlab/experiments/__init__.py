"""Questions that take several runs: make load, store its runs, and draw the conclusion."""
