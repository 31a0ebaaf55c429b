"""What samples say beyond their summary. Takes samples or frames, opens nothing."""
