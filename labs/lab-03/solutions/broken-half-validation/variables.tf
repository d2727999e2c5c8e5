variable "environment" {
  description = "Name of the environment; part of the name of everything in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*$", var.environment))
    error_message = "environment must be 2 to 12 lower-case letters and digits, a letter first."
  }
}

variable "cidr" {
  description = "Addresses of the environment's network."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && startswith(var.cidr, "10.")
    error_message = "cidr must be an IPv4 network inside 10.0.0.0/8, such as 10.20.0.0/16."
  }
}

variable "app_count" {
  description = "Number of application servers."
  type        = number
  default     = 2

  validation {
    condition     = var.app_count >= 1 && var.app_count <= 4 && floor(var.app_count) == var.app_count
    error_message = "app_count must be a whole number from 1 to 4."
  }
}
