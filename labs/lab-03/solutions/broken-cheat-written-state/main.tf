variable "environment" {
  type = string
}

variable "cidr" {
  type = string
}

variable "app_count" {
  type = number
}

output "vpc_id" {
  value = "vpc-0123456789abcdef0"
}

output "bucket_name" {
  value = "<%= team %>-${var.environment}-artifacts"
}
