"""Releases, reverts and drift checks."""
