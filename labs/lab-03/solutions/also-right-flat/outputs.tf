output "vpc_id" {
  value = aws_vpc.main.id
}

output "private_subnet_ids" {
  value = [aws_subnet.b.id, aws_subnet.a.id]
}

output "app_security_group_id" {
  value = one(aws_instance.desk[0].vpc_security_group_ids)
}

output "database_security_group_id" {
  value = aws_security_group.postgres.id
}

output "app_instance_ids" {
  value = [for server in aws_instance.desk : server.id]
}

output "app_role_arn" {
  value = aws_iam_role.desk.arn
}

output "bucket_name" {
  value = aws_s3_bucket.files.bucket
}

output "table_name" {
  value = aws_dynamodb_table.jobs.name
}

output "log_group_name" {
  value = aws_cloudwatch_log_group.desk.name
}
