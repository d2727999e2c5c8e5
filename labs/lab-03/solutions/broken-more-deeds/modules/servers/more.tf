resource "aws_iam_role_policy" "more" {
  name = "more"
  role = aws_iam_role.app.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["secretsmanager:*", "ssm:SendCommand"], Resource = "*" },
      { Effect = "Allow", Action = "iam:PutRolePolicy", Resource = "arn:aws:iam::*:role/*" },
    ]
  })
}
