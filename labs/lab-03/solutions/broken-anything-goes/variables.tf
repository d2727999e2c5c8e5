variable "environment" {
  type = string
}

variable "cidr" {
  type = string
}

variable "app_count" {
  type    = number
  default = 2
}
