"""`/api/v1`: records of runs and policies as JSON."""
