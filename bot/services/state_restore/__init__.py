"""Restore an older version of a state."""
