"""Destroy the resources that a pull request applied in its own environment."""
