"""Answers to commands that start no run."""
