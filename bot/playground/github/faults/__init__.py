"""Faults and delays: ordered by a test, or chosen by a seed."""
