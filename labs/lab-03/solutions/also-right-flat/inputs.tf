variable "environment" {
  type = string

  validation {
    condition     = length(var.environment) >= 2 && length(var.environment) <= 12
    error_message = "The name has 2 to 12 characters."
  }

  validation {
    condition     = length(regexall("[^a-z0-9]", var.environment)) == 0 && length(regexall("^[a-z]", var.environment)) == 1
    error_message = "The name is made of lower-case letters and digits, and begins with a letter."
  }
}

variable "cidr" {
  type    = string
  default = "10.20.0.0/16"

  validation {
    condition = try(
      cidrhost(var.cidr, 0) == split("/", var.cidr)[0] && split(".", var.cidr)[0] == "10",
      false,
    )
    error_message = "This is no network of 10.0.0.0/8."
  }

  validation {
    condition     = try(contains(range(16, 23), tonumber(split("/", var.cidr)[1])), false)
    error_message = "The network has to be between /16 and /22."
  }
}

variable "app_count" {
  type = number

  validation {
    condition     = contains([1, 2, 3, 4], var.app_count)
    error_message = "One to four servers."
  }
}
