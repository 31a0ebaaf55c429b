"""What was measured: one record per request, and the numbers that follow from the records."""
