"""Data and actions of the web pages."""
