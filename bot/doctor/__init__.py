"""`gatewright doctor`: every part is tried for real, and nothing is left behind."""
