terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }

  # Bucket, key and region come with -backend-config: each environment has a state of its own.
  backend "s3" {
    use_lockfile = true
  }
}

provider "aws" {
  region = "<%= region %>"
}
