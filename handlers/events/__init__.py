"""One module per family of webhooks."""
