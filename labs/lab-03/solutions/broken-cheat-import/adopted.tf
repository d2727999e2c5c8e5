import {
  to = aws_ssm_parameter.image
  id = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

resource "aws_ssm_parameter" "image" {
  name  = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  type  = "String"
  value = "mine"

  lifecycle {
    ignore_changes = all
  }
}
