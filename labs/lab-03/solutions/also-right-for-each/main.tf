terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }

  backend "s3" {
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
}

variable "environment" {
  type = string

  validation {
    condition     = can(regex("^[[:lower:]][[:lower:]\\d]{1,11}$", var.environment))
    error_message = "Must be 2-12 lower-case letters or digits, starting with a letter."
  }
}

variable "cidr" {
  type = string

  validation {
    condition     = can(regex("^10\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}/(16|17|18|19|20|21|22)$", var.cidr)) && can(cidrnetmask(var.cidr))
    error_message = "Must be a network in 10.0.0.0/8 between /16 and /22."
  }
}

variable "app_count" {
  type    = number
  default = 1

  validation {
    condition     = contains(range(1, 5), var.app_count)
    error_message = "Must be 1, 2, 3 or 4."
  }
}

variable "region" {
  type    = string
  default = "<%= region %>"
}

locals {
  name = "nordhafen-<%= team %>-${var.environment}"
  tags = { team = "<%= team %>", environment = var.environment, cost-center = "<%= cost_center %>", managed-by = "terraform" }

  subnets = {
    private-a = { zone = "a", number = 0, table = "private" }
    private-c = { zone = "c", number = 1, table = "private" }
    public-a  = { zone = "a", number = 2, table = "public" }
    public-c  = { zone = "c", number = 3, table = "public" }
  }
  private = [for name, subnet in local.subnets : name if subnet.table == "private"]

  ways_in = {
    network = { group = "app", port = <%= app_port %>, from = var.cidr }
    office  = { group = "app", port = <%= app_port %>, from = "<%= office %>" }
  }

  may = {
    list  = { actions = ["s3:ListBucket"], on = aws_s3_bucket.artifacts.arn }
    files = { actions = ["s3:GetObject", "s3:PutObject"], on = "${aws_s3_bucket.artifacts.arn}/*" }
    jobs  = { actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], on = aws_dynamodb_table.jobs.arn }
    logs  = { actions = ["logs:CreateLogStream", "logs:PutLogEvents"], on = "${aws_cloudwatch_log_group.logs.arn}:*" }
    password = {
      actions = ["ssm:GetParameter"]
      on      = "arn:aws:ssm:*:*:parameter/<%= team %>/db-password"
    }
  }
}

data "aws_ssm_parameter" "image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

resource "aws_vpc" "this" {
  cidr_block = var.cidr
  tags       = local.tags
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = local.tags
}

resource "aws_subnet" "this" {
  for_each = local.subnets

  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(var.cidr, 2, each.value.number)
  availability_zone = "${var.region}${each.value.zone}"
  tags              = merge(local.tags, { Name = each.key })
}

resource "aws_route_table" "this" {
  for_each = toset(["private", "public"])

  vpc_id = aws_vpc.this.id
  tags   = merge(local.tags, { Name = each.key })
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.this["public"].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "this" {
  for_each = local.subnets

  subnet_id      = aws_subnet.this[each.key].id
  route_table_id = aws_route_table.this[each.value.table].id
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id       = aws_vpc.this.id
  service_name = "com.amazonaws.${var.region}.s3"
  tags         = local.tags
}

resource "aws_vpc_endpoint_route_table_association" "s3" {
  vpc_endpoint_id = aws_vpc_endpoint.s3.id
  route_table_id  = aws_route_table.this["private"].id
}

resource "aws_security_group" "this" {
  for_each = toset(["app", "database"])

  name   = "${local.name}-${each.key}"
  vpc_id = aws_vpc.this.id
  tags   = local.tags
}

resource "aws_security_group_rule" "in" {
  for_each = local.ways_in

  type              = "ingress"
  security_group_id = aws_security_group.this[each.value.group].id
  protocol          = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_blocks       = [each.value.from]
}

resource "aws_security_group_rule" "database" {
  type                     = "ingress"
  security_group_id        = aws_security_group.this["database"].id
  source_security_group_id = aws_security_group.this["app"].id
  protocol                 = "tcp"
  from_port                = 5432
  to_port                  = 5432
}

resource "aws_instance" "app" {
  for_each = { for number in range(var.app_count) : "app-${number}" => element(local.private, number) }

  ami                         = data.aws_ssm_parameter.image.insecure_value
  instance_type               = "<%= instance_type %>"
  subnet_id                   = aws_subnet.this[each.value].id
  vpc_security_group_ids      = [aws_security_group.this["app"].id]
  iam_instance_profile        = aws_iam_instance_profile.app.name
  user_data_replace_on_change = true

  user_data = join("\n", [
    "#!/bin/bash",
    "export BUCKET='${aws_s3_bucket.artifacts.id}' TABLE='${aws_dynamodb_table.jobs.name}'",
    "exec desk --password-from '/<%= team %>/db-password'",
  ])

  metadata_options {
    http_tokens = "required"
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = <%= disk_gb %>
    encrypted   = true
    tags        = local.tags
  }

  tags = merge(local.tags, { Name = each.key })
}

resource "aws_s3_bucket" "artifacts" {
  bucket        = "${local.name}-artifacts"
  force_destroy = true
  tags          = local.tags
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_dynamodb_table" "jobs" {
  name         = "${local.name}-jobs"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  tags         = local.tags

  attribute {
    name = "id"
    type = "S"
  }

  ttl {
    attribute_name = "expires"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_cloudwatch_log_group" "logs" {
  name              = local.name
  retention_in_days = <%= log_days %>
  tags              = local.tags
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "may" {
  for_each = local.may

  statement {
    sid       = title(each.key)
    actions   = each.value.actions
    resources = [each.value.on]
  }
}

resource "aws_iam_role" "app" {
  name               = local.name
  path               = "/<%= team %>/"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "app" {
  for_each = local.may

  name   = each.key
  role   = aws_iam_role.app.name
  policy = data.aws_iam_policy_document.may[each.key].json
}

resource "aws_iam_instance_profile" "app" {
  name = local.name
  role = aws_iam_role.app.name
  tags = local.tags
}

output "vpc_id" {
  value = aws_vpc.this.id
}

output "private_subnet_ids" {
  value = toset([for name in local.private : aws_subnet.this[name].id])
}

output "app_security_group_id" {
  value = aws_security_group.this["app"].id
}

output "database_security_group_id" {
  value = aws_security_group.this["database"].id
}

output "app_instance_ids" {
  value = values(aws_instance.app)[*].id
}

output "app_role_arn" {
  value = aws_iam_role.app.arn
}

output "bucket_name" {
  value = aws_s3_bucket.artifacts.id
}

output "table_name" {
  value = aws_dynamodb_table.jobs.id
}

output "log_group_name" {
  value = aws_cloudwatch_log_group.logs.name
}
