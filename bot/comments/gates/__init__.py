"""Gates and overrides in comments."""
