"""Go back to an older release."""
