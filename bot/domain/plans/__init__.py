"""Summary, risk, digests and records of Terraform plans."""
