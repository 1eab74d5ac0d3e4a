"""Extract facts from HCL without running Terraform."""
