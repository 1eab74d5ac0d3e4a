output "environment" {
  description = "The environment."
  value       = var.environment
}

output "release" {
  description = "The release that is shown."
  value       = terraform_data.release.input.release
}

output "url" {
  description = "Where the site of this environment is served."
  value       = "${trimsuffix(var.site_url, "/")}/${var.environment}/"
}

output "instances" {
  description = "Names of the instances."
  value       = sort([for instance in terraform_data.instance : instance.input.name])
}

output "kubeconfig" {
  description = "Access to the environment's cluster."
  sensitive   = true
  value = yamlencode({
    apiVersion      = "v1"
    kind            = "Config"
    current-context = var.environment
    clusters        = [{ name = var.environment, cluster = { server = "https://${var.environment}.example.com" } }]
    contexts        = [{ name = var.environment, context = { cluster = var.environment, user = "gatewright" } }]
    users           = [{ name = "gatewright", user = { token = var.cluster_token } }]
  })
}
