output "vpc_id" {
  value = "vpc-0123456789abcdef0"
}

output "private_subnet_ids" {
  value = module.network.private_subnet_ids
}

output "app_security_group_id" {
  value = module.network.app_security_group_id
}

output "database_security_group_id" {
  value = module.network.database_security_group_id
}

output "app_instance_ids" {
  value = ["i-0123456789abcdef0", "i-0123456789abcdef1"]
}

output "app_role_arn" {
  value = module.servers.role_arn
}

output "bucket_name" {
  value = module.storage.bucket.id
}

output "table_name" {
  value = module.storage.table.name
}

output "log_group_name" {
  value = module.storage.log_group_name
}
