"""Turn a commit into a stored plan."""
