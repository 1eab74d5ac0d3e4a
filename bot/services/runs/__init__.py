"""The life of a run: requested, queued, started, completed, lost."""
