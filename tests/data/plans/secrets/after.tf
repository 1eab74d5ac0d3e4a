variable "token" {
  sensitive = true
  default   = "new-token-value"
}
variable "kubeconfig" {
  sensitive = true
  default   = "{\"user\":\"eve\",\"password\":\"deep-inner-password\"}"
}
resource "terraform_data" "token" { input = { password = var.token, user = "app" } }
resource "terraform_data" "kubeconfig" { input = var.kubeconfig }
resource "terraform_data" "short" { input = sensitive("xyz") }
resource "terraform_data" "number" { input = sensitive(43) }
resource "terraform_data" "pem" { input = sensitive("-----BEGIN KEY-----\nMIIBOgIBAAJBAKj34G\nkyNHNlrVG0\n-----END KEY-----\n") }
output "token" {
  value     = var.token
  sensitive = true
}
