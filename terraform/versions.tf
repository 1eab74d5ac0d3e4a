terraform {
  # Only resources built into Terraform are used, so that nothing has to be downloaded.
  required_version = ">= 1.11.4, < 2.0.0"
}
