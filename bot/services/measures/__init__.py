"""Reports on the measured runs of an environment."""
