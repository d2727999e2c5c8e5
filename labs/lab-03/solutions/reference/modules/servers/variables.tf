variable "name" {
  type = string
}

variable "servers" {
  type = number
}

variable "instance_type" {
  type = string
}

variable "disk_gb" {
  type = number
}

variable "subnet_ids" {
  type = list(string)
}

variable "security_group_id" {
  type = string
}

variable "bucket" {
  type = object({ id = string, arn = string })
}

variable "table" {
  type = object({ name = string, arn = string })
}

variable "log_group_arn" {
  type = string
}

variable "password_parameter" {
  description = "Name of the parameter that holds the password; its value is read by the servers, never by Terraform."
  type        = string
}
