# Begin here. One or many files, with or without modules: the layout is yours.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

provider "aws" {
  region = "<%= region %>"
}

variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "cidr" {
  description = "Addresses of its network."
  type        = string
}

variable "app_count" {
  description = "How many servers."
  type        = number
}

resource "aws_vpc" "this" {
  cidr_block = var.cidr
}
