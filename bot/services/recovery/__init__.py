"""Recovery after crashes: lost work, interrupted runs, states that could not be saved."""
