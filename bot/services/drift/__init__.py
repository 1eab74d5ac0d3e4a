"""Detect and report drift."""
