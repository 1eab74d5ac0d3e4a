"""`gatewright local`: plans and applies a checkout on a developer's machine."""
