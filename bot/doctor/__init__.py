"""`gatewright doctor`: checks every part for real and leaves nothing behind."""
