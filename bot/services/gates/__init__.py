"""Gather the facts of the gates and judge them."""
