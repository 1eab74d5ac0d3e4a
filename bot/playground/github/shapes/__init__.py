"""Records as the JSON of REST and webhooks."""
