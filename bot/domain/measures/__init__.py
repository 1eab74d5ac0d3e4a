"""Numbers about past runs: which runs count, rates and percentiles with bounds, limits."""
