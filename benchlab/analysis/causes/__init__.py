"""Name what made a run slow: detectors, one per cause or family of causes, and their ranking."""
