variable "environment" {
  description = "The environment that is described; it names the directory of its site."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.environment))
    error_message = "The environment must be a lower-case word of letters, digits and dashes, for example staging."
  }
}

variable "release" {
  description = "Name of the release that the site shows."
  type        = string
  default     = "unreleased"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$", var.release))
    error_message = "The release must be made of letters, digits, dots, dashes and underscores."
  }
}

variable "title" {
  description = "Headline of the site."
  type        = string
  default     = "Gatewright reference site"

  validation {
    condition     = length(trimspace(var.title)) > 0 && length(var.title) <= 80
    error_message = "The title must have between 1 and 80 characters."
  }
}

variable "message" {
  description = "The sentence that visitors read."
  type        = string

  validation {
    condition     = length(trimspace(var.message)) > 0 && length(var.message) <= 500
    error_message = "The message must have between 1 and 500 characters."
  }
}

variable "colour" {
  description = "Background of the site, as #rrggbb."
  type        = string
  default     = "#336699"

  validation {
    condition     = can(regex("^#[0-9a-fA-F]{6}$", var.colour))
    error_message = "The colour must be written as #rrggbb, for example #336699."
  }
}

variable "instance_count" {
  description = "Number of instances that serve the site."
  type        = number
  default     = 1

  validation {
    condition     = var.instance_count >= 1 && var.instance_count <= 20 && floor(var.instance_count) == var.instance_count
    error_message = "The number of instances must be a whole number from 1 to 20."
  }
}

variable "features" {
  description = "Features that are switched on."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.features : can(regex("^[a-z][a-z0-9_]{0,30}$", name))])
    error_message = "A feature must be a lower-case word of letters, digits and underscores."
  }
}

variable "site_root" {
  description = "Directory in which every environment has its site; empty to write none. Given by TF_VAR_site_root."
  type        = string
  default     = ""

  validation {
    condition     = var.site_root == "" || (startswith(var.site_root, "/") && !strcontains("${var.site_root}/", "/../"))
    error_message = "The directory of the sites must be an absolute path without `..`, or empty."
  }
}

variable "site_url" {
  description = "Where the sites are served, without the environment. Given by TF_VAR_site_url."
  type        = string
  default     = "http://localhost"

  validation {
    condition     = can(regex("^https?://[^\\s\"'<>]+$", var.site_url))
    error_message = "The address of the sites must begin with http:// or https://."
  }
}

variable "cluster_token" {
  description = "Token in the kubeconfig output. Given by TF_VAR_cluster_token."
  type        = string
  default     = "no-token-was-given"
  sensitive   = true

  validation {
    condition     = length(var.cluster_token) >= 8
    error_message = "The token must have at least 8 characters."
  }
}
