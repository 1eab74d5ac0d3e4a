"""Which stacks there are, under which policy, in which state, locked by whom."""
