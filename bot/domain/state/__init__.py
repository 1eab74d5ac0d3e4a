"""Terraform states: facts, owners, operations, restores."""
