"""Find and redact secret values."""
