"""Long runs with faults that come and go: nothing may grow, and every request is accounted for."""
