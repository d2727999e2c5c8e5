variable "name" {
  type = string
}

variable "region" {
  type = string
}

variable "cidr" {
  type = string
}

variable "app_port" {
  type = number
}

variable "office" {
  type = string
}
