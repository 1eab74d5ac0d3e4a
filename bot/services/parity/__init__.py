"""Compare twin environments."""
