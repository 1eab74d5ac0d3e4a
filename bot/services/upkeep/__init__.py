"""Periodic duties: reconciliation, pruning, schedules."""
