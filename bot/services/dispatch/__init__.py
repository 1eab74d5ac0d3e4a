"""Choose what executes and what reports a run."""
