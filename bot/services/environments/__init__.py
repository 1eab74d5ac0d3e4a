"""Environments that exist as long as their pull request."""
