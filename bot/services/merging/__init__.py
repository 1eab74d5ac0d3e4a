"""Follow up on merges, merge queues and policy changes."""
