"""Pages for people, rendered here; no script runs in them."""
