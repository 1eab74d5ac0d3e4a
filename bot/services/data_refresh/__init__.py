"""Copy data from one environment to another."""
