variable "size" { default = 2 }
resource "terraform_data" "keep" { input = { size = var.size, name = "keep" } }
resource "terraform_data" "replaced" {
  input            = var.size
  triggers_replace = [var.size]
}
resource "terraform_data" "new_name" { input = "moved" }
moved {
  from = terraform_data.old_name
  to   = terraform_data.new_name
}
removed {
  from = terraform_data.forgotten
  lifecycle { destroy = false }
}
resource "terraform_data" "many" {
  for_each = toset(["a b", "e\"f"])
  input    = "${each.key}!"
}
resource "terraform_data" "text" { input = "a: 1\n- item\n- new\nlast\n```\n  # terraform_data.same will be destroyed" }
resource "terraform_data" "same" { input = "same" }
resource "terraform_data" "fresh" { input = "new" }
resource "terraform_data" "imported" {}
import {
  to = terraform_data.imported
  id = "an-id"
}
check "size_is_small" {
  assert {
    condition     = var.size < 2
    error_message = "size must be small, not ${var.size}"
  }
}
data "terraform_remote_state" "self" {
  backend = "local"
  config  = { path = "./terraform.tfstate" }
}
output "size" { value = var.size }
output "fresh" { value = terraform_data.fresh.id }
