# What would be servers and switches of a real service; changing them shows in a plan what changing those would.

resource "terraform_data" "release" {
  input = {
    environment = var.environment
    release     = var.release
    title       = var.title
    message     = var.message
  }
}

resource "terraform_data" "instance" {
  for_each = toset([for number in range(var.instance_count) : "web-${number + 1}"])

  input = {
    name    = "${var.environment}-${each.key}"
    release = var.release
  }
}

resource "terraform_data" "feature" {
  for_each = var.features

  input = each.key
}
