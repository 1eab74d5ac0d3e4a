"""Apply a stored plan."""
