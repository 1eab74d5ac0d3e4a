"""Which repositories and people may do what."""
