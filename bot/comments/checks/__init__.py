"""Titles and summaries of check runs."""
