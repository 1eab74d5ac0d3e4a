"""Parse slash commands."""
