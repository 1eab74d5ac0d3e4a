variable "token" {
  sensitive = true
  default   = "old-token-value"
}
variable "kubeconfig" {
  sensitive = true
  default   = "{\"user\":\"bob\",\"password\":\"deep-inner-password\"}"
}
resource "terraform_data" "token" { input = { password = var.token, user = "app" } }
resource "terraform_data" "kubeconfig" { input = var.kubeconfig }
resource "terraform_data" "short" { input = sensitive("abc") }
resource "terraform_data" "number" { input = sensitive(42) }
resource "terraform_data" "pem" { input = sensitive("-----BEGIN KEY-----\nMIIBOgIBAAJBAKj34G\nkyNHNlrVG9\n-----END KEY-----\n") }
output "token" {
  value     = var.token
  sensitive = true
}
