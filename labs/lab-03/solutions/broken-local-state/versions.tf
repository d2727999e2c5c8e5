terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

provider "aws" {
  region = "<%= region %>"

  default_tags {
    tags = {
      team        = "<%= team %>"
      environment = var.environment
      cost-center = "<%= cost_center %>"
      managed-by  = "terraform"
    }
  }
}
