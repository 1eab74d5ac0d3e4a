"""Gatewright against plain Terraform: the same module, the same S3 server, one after the other."""
