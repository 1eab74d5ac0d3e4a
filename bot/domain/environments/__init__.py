"""Twins, leases and lock queues of environments."""
