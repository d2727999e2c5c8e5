terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }

  backend "s3" {
    bucket         = "nordhafen-states"
    dynamodb_table = "nordhafen-locks"
    encrypt        = true
  }
}

provider "aws" {
  region = "<%= region %>"

  default_tags {
    tags = local.tags
  }
}

locals {
  prefix = "${var.environment}-<%= team %>"
  secret = "/<%= team %>/db-password"
  tags = {
    team        = "<%= team %>"
    environment = var.environment
    cost-center = <%= cost_center %>
    managed-by  = "terraform"
  }
}

data "aws_caller_identity" "me" {}

data "aws_ami" "linux" {
  most_recent = true
  owners      = ["amazon"]

  filter {
    name   = "name"
    values = ["al2023-ami-2023*-x86_64"]
  }
}

resource "aws_vpc" "main" {
  cidr_block = var.cidr
}

# Both subnets use the main route table, which leads nowhere but to S3.
resource "aws_subnet" "a" {
  vpc_id            = aws_vpc.main.id
  availability_zone = "<%= region %>a"
  cidr_block        = cidrsubnet(var.cidr, 1, 0)
}

resource "aws_subnet" "b" {
  vpc_id            = aws_vpc.main.id
  availability_zone = "<%= region %>b"
  cidr_block        = cidrsubnet(var.cidr, 1, 1)
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.main.id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.<%= region %>.s3"
  route_table_ids   = [aws_vpc.main.main_route_table_id]
}

resource "aws_security_group" "desk" {
  name_prefix = "${local.prefix}-desk-"
  vpc_id      = aws_vpc.main.id

  ingress {
    description = "Colleagues and the network itself"
    protocol    = "tcp"
    from_port   = <%= app_port %>
    to_port     = <%= app_port %>
    cidr_blocks = ["<%= office %>", var.cidr]
  }

  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "postgres" {
  name_prefix = "${local.prefix}-postgres-"
  vpc_id      = aws_vpc.main.id

  ingress {
    protocol        = "tcp"
    from_port       = 5432
    to_port         = 5432
    security_groups = [aws_security_group.desk.id]
  }
}

resource "aws_instance" "desk" {
  count = var.app_count

  ami                         = data.aws_ami.linux.id
  instance_type               = "<%= instance_type %>"
  subnet_id                   = count.index % 2 == 0 ? aws_subnet.a.id : aws_subnet.b.id
  vpc_security_group_ids      = [aws_security_group.desk.id]
  associate_public_ip_address = false
  iam_instance_profile        = aws_iam_instance_profile.desk.id

  user_data_base64 = base64encode(<<-EOT
    #cloud-config
    write_files:
      - path: /etc/desk.env
        content: |
          BUCKET=${aws_s3_bucket.files.bucket}
          TABLE=${aws_dynamodb_table.jobs.id}
          DB_PASSWORD_PARAMETER=${local.secret}
  EOT
  )

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted   = true
    volume_size = <%= disk_gb %>
    kms_key_id  = aws_kms_key.own.arn
  }
}

resource "aws_kms_key" "own" {
  description             = local.prefix
  enable_key_rotation     = true
  deletion_window_in_days = 7
}

resource "aws_s3_bucket" "files" {
  bucket_prefix = "${local.prefix}-"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "files" {
  bucket = aws_s3_bucket.files.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "files" {
  bucket = aws_s3_bucket.files.bucket

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.own.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "files" {
  bucket                  = aws_s3_bucket.files.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_dynamodb_table" "jobs" {
  name         = local.prefix
  hash_key     = "id"
  billing_mode = "PAY_PER_REQUEST"

  attribute {
    name = "id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }
}

resource "aws_cloudwatch_log_group" "desk" {
  name_prefix       = local.prefix
  retention_in_days = <%= log_days %>
}

resource "aws_iam_role" "desk" {
  name_prefix = "${local.prefix}-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = {
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }
  })
}

resource "aws_iam_policy" "desk" {
  name_prefix = "${local.prefix}-"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:GetObject*", "s3:PutObject*", "s3:DeleteObject"]
        Resource = [aws_s3_bucket.files.arn, "${aws_s3_bucket.files.arn}/*"]
      },
      {
        Effect   = "Allow"
        Action   = ["dynamodb:*Item", "dynamodb:Query"]
        Resource = aws_dynamodb_table.jobs.arn
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.desk.arn}:log-stream:*"
      },
      {
        Effect   = "Allow"
        Action   = "ssm:GetParameter*"
        Resource = "arn:aws:ssm:<%= region %>:${data.aws_caller_identity.me.account_id}:parameter${local.secret}"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "desk" {
  role       = aws_iam_role.desk.name
  policy_arn = aws_iam_policy.desk.arn
}

resource "aws_iam_instance_profile" "desk" {
  name_prefix = "${local.prefix}-"
  role        = aws_iam_role.desk.name
}
