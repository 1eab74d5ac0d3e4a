variable "size" { default = 1 }
resource "terraform_data" "keep" { input = { size = var.size, name = "keep" } }
resource "terraform_data" "gone" { input = "old" }
resource "terraform_data" "replaced" {
  input            = var.size
  triggers_replace = [var.size]
}
resource "terraform_data" "old_name" { input = "moved" }
resource "terraform_data" "forgotten" { input = "forget" }
resource "terraform_data" "many" {
  for_each = toset(["a b", "c/d", "e\"f"])
  input    = each.key
}
resource "terraform_data" "text" { input = "a: 1\n- item\n- gone\nlast" }
resource "terraform_data" "same" { input = "same" }
output "size" { value = var.size }
output "dropped" { value = "x" }
