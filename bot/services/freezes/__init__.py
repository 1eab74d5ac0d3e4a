"""Freezes set by reverts and restores, and the plans that they invalidate."""
