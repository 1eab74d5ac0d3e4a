"""Verify a release after its apply."""
